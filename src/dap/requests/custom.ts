/** The requests that the protocol lacks (DESIGN: the debugger's interface); their types are in `src/protocol`. */
import type { ExitAnswer } from '../../protocol/exit';
import type { Hex } from '../../protocol/address';
import { SUBSCRIBABLE } from '../../protocol/events';
import type { InstructionAnswer } from '../../protocol/instruction';
import { INSTRUCTIONS } from '../../isa/records';
import type { Arguments } from '../arguments';
import type { Debuggee } from '../debuggee';
import { badArgument, noDeviceEdits } from '../errors';
import type { Handlers } from '../handler';
import { factsOf } from '../instruction-facts';
import { hex, parseMemoryReference } from '../memory-reference';
import type { Subscriptions } from '../subscriptions';
import { threadOf } from './execution';

const MAX_REASONS = 100;
const MAX_INPUT = 2 ** 20;
const MAX_MNEMONIC = 40;
const MAX_LISTED = 10_000;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const SPACES = ['linear', 'guestPhysical'] as const;

/** All `vmxray/...` requests of a session but those that let the guest run, by command. */
export function customRequests(debuggee: Debuggee, subscriptions: Subscriptions): Handlers {
  const address = (args: Arguments, name: string): Hex => {
    const text = args.text(name);
    if (text.includes(':') || text.includes('@')) throw badArgument(name, 'a bare 0x… address');
    return hex(parseMemoryReference(text).address);
  };
  const count = (args: Arguments): { count?: number } =>
    args.has('count') ? { count: args.integer('count', { min: 1, max: MAX_LISTED }) } : {};

  return {
    'vmxray/walk': async (args) => {
      const thread = await threadOf(debuggee, args, 1);
      const space = args.choice('space', SPACES);
      const access = args.choice('access', ['read', 'write', 'execute']);
      return { body: await debuggee.target.walk(thread, space, BigInt(address(args, 'address')), access) };
    },
    'vmxray/mappings': async (args) => {
      const thread = await threadOf(debuggee, args, 1);
      const start = args.has('start') ? { start: address(args, 'start') } : {};
      const query = { space: args.choice('space', SPACES), ...start, ...count(args) };
      return { body: await debuggee.target.mappings(thread, query) };
    },
    'vmxray/memoryMap': async () => ({ body: await debuggee.target.memoryMap() }),
    'vmxray/exit': async (args) => {
      const exit = await debuggee.target.lastExit(await threadOf(debuggee, args));
      const body: ExitAnswer = exit ? { exit } : {};
      return { body };
    },
    'vmxray/exits': async (args) => {
      const start = args.has('start') ? { start: args.integer('start', { min: 0, max: Number.MAX_SAFE_INTEGER }) } : {};
      const reasons = args.texts('reasons', MAX_REASONS);
      const query = { ...start, ...count(args), ...(reasons && { reasons }) };
      return { body: await debuggee.target.exits(query) };
    },
    'vmxray/vmcs': async (args) => ({ body: await debuggee.target.vmcs(await threadOf(debuggee, args)) }),
    'vmxray/devices': async () => ({ body: await debuggee.target.devices() }),
    'vmxray/interrupts': async () => ({ body: await debuggee.target.interrupts() }),
    'vmxray/writeDevice': async (args) => {
      const target = debuggee.stoppedTarget;
      if (!target.writeDevice) throw noDeviceEdits();
      await target.writeDevice(args.text('device'), args.text('register'), BigInt(address(args, 'value')));
      debuggee.announceEdit();
      return {};
    },
    'vmxray/instruction': (args) => {
      const body: InstructionAnswer = {
        instructions: factsOf(INSTRUCTIONS, args.text('mnemonic').slice(0, MAX_MNEMONIC)),
      };
      return { body };
    },
    'vmxray/serialInput': async (args) => {
      const data = args.text('data');
      if (data.length > MAX_INPUT || !BASE64.test(data)) throw badArgument('data', 'base64, at most 1 MiB of it');
      await debuggee.target.sendSerial(Buffer.from(data, 'base64'));
      return {};
    },
    'vmxray/subscribe': (args) => {
      const events = args.texts('events', SUBSCRIBABLE.length) ?? [];
      const known = events.map((name) => {
        const event = SUBSCRIBABLE.find((one) => one === name);
        if (!event) throw badArgument('events', `a list of ${SUBSCRIBABLE.join(', ')}`);
        return event;
      });
      return { after: () => subscriptions.replace(known) };
    },
  };
}
