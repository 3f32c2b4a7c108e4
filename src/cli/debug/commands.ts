/** All commands of `vmxray debug`, in the order of help. */
import { BREAKPOINT_COMMANDS } from './breakpoint-commands';
import { RUNNING_COMMANDS } from './running-commands';
import { SESSION_COMMANDS } from './session-commands';
import type { Command } from './shell';
import { STATE_COMMANDS } from './state-commands';

/** Names and aliases are each there once. */
export const COMMANDS: readonly Command[] = [
  ...RUNNING_COMMANDS,
  ...BREAKPOINT_COMMANDS,
  ...STATE_COMMANDS,
  ...SESSION_COMMANDS,
];
