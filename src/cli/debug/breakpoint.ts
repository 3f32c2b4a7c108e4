/** One breakpoint of the user's, and how it reads in a list. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Location, showLocation } from './location';

/** What a breakpoint stops at. */
export type Trigger =
  | { readonly kind: 'code'; readonly location: Location }
  | {
      readonly kind: 'data';
      readonly what: string;
      readonly dataId: string;
      readonly access: DebugProtocol.DataBreakpointAccessType;
    }
  /** `filter` is one of the adapter's exception filters. */
  | { readonly kind: 'event'; readonly filter: string; readonly label: string };

/** A breakpoint with the user's number. */
export interface Breakpoint {
  readonly number: number;
  readonly trigger: Trigger;
  /** Goes away when it is hit. */
  readonly isTemporary: boolean;
  isEnabled: boolean;
  condition?: string | undefined;
  hitCondition?: string | undefined;
  logMessage?: string | undefined;
  /** What the adapter made of it when it was last told. */
  answer?: DebugProtocol.Breakpoint | undefined;
  /** Stops here so far. */
  hits: number;
}

const WATCHED: Readonly<Record<DebugProtocol.DataBreakpointAccessType, string>> = {
  read: 'reads of',
  write: 'writes to',
  readWrite: 'accesses to',
};

/** What a trigger stops at, in words. */
export function showTrigger(trigger: Trigger): string {
  switch (trigger.kind) {
    case 'code':
      return showLocation(trigger.location);
    case 'data':
      return `${WATCHED[trigger.access]} ${trigger.what}`;
    case 'event':
      return trigger.label;
  }
}

/** `Breakpoint 1 at kmain (0x10156d, main.c:16)`. */
export function showNew({ number, isTemporary, trigger, answer, condition }: Breakpoint): string {
  const noun = { code: 'Breakpoint', data: 'Watchpoint', event: 'Catchpoint' }[trigger.kind];
  const places = trigger.kind === 'code' ? resolvedPlaces(answer) : '';
  const message = answer?.message ? `: ${answer.message}` : '';
  const state = answer?.verified ? '' : ` (pending${message})`;
  const text = `${isTemporary ? `Temporary ${noun.toLowerCase()}` : noun} ${number}: ${showTrigger(trigger)}`;
  return `${text}${places}${condition ? ` if ${condition}` : ''}${state}`;
}

/** The breakpoint as lines of `info breakpoints`. */
export function showListed(breakpoint: Breakpoint): string {
  const { number, isTemporary, isEnabled, trigger, answer, condition, hitCondition, logMessage, hits } = breakpoint;
  const details = [
    condition && `stops only if ${condition}`,
    hitCondition && `hits ${hitCondition}`,
    logMessage && `logs ${logMessage}`,
    hits > 0 && `hit ${hits} time${hits === 1 ? '' : 's'}`,
    answer?.message,
  ].filter((detail) => typeof detail === 'string' && detail !== '');
  const state = !isEnabled ? 'disabled' : answer?.verified ? '' : 'pending';
  const head = `${String(number).padEnd(4)}${showTrigger(trigger)}${trigger.kind === 'code' ? resolvedPlaces(answer) : ''}`;
  const notes = [state, isTemporary ? 'temporary' : ''].filter(Boolean).join(', ');
  return [notes ? `${head} [${notes}]` : head, ...details.map((detail) => `      ${String(detail)}`)].join('\n');
}

function resolvedPlaces(answer: DebugProtocol.Breakpoint | undefined): string {
  if (!answer?.verified) return '';
  const { instructionReference, source, line } = answer;
  const file = source?.name ?? source?.path;
  const places = [instructionReference, file && line ? `${file}:${line}` : undefined].filter(Boolean);
  return places.length > 0 ? ` (${places.join(', ')})` : '';
}
