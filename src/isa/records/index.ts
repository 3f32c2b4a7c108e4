/** The list of all instruction records. The order is the order of generated tables and stays put. */
import type { Instruction } from '../define';
import * as arithmetic from './arithmetic';
import * as bit from './bit';
import * as compareExchange from './compare-exchange';
import * as control from './control';
import * as controlRegister from './control-register';
import * as decimal from './decimal';
import * as divide from './divide';
import * as far from './far';
import * as flag from './flag';
import * as hint from './hint';
import * as move from './move';
import * as multiply from './multiply';
import * as port from './port';
import * as segment from './segment';
import * as shift from './shift';
import * as stack from './stack';
import * as string from './string';
import * as system from './system';
import * as vmx from './vmx';

const FILES: readonly Readonly<Record<string, Instruction>>[] = [
  ...[arithmetic, move, control, shift, bit, multiply, divide, compareExchange, string, stack, flag, hint],
  ...[segment, far, controlRegister, system, port, decimal, vmx],
];

export const INSTRUCTIONS: readonly Instruction[] = FILES.flatMap((file) => Object.values(file));
