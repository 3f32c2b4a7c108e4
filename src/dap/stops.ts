/** What a stop of the target is in the protocol's words. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { End, GuestException, Stop } from '../targets/target';
import type { WishKind } from './breakpoints/wish';
import { hex } from './memory-reference';

type Stopped = Omit<DebugProtocol.StoppedEvent['body'], 'threadId' | 'allThreadsStopped'>;

/** The body of `stopped`, without its threads. `kindOf` tells what a breakpoint's number stands for. */
export function describeStop(stop: Stop, kindOf: (id: number) => WishKind | undefined): Stopped {
  const ids = [...(stop.ids ?? [])];
  const { text, ...stopped } = bodyOf(stop, ids, kindOf);
  const said = [text, stop.note].filter((part) => part).join(' ');
  return { ...stopped, ...(said && { text: said }), ...(ids.length > 0 && { hitBreakpointIds: ids }) };
}

function bodyOf(stop: Stop, ids: readonly number[], kindOf: (id: number) => WishKind | undefined): Stopped {
  switch (stop.reason) {
    case 'step':
      return { reason: 'step' };
    case 'pause':
      return { reason: 'pause', description: 'Paused' };
    case 'address space':
      return { reason: 'pause', description: 'Paused on a load of CR3' };
    case 'breakpoint': {
      const kind = ids.map(kindOf).find((known) => known !== undefined);
      if (kind === 'panic') return { reason: 'exception', description: 'Paused on a kernel panic or oops' };
      return { reason: kind ?? 'breakpoint' };
    }
    case 'data breakpoint': {
      const access = stop.isWrite ? 'written' : 'read';
      const place = `${stop.space ? `${stop.space}:` : ''}${hex(stop.linear)}`;
      return { reason: stop.reason, description: `Paused on data: ${place} was ${access}` };
    }
    case 'vm exit': {
      const { name, guestPhysical, qualificationText } = stop.exit;
      const where = guestPhysical === undefined ? '' : ` at guest-physical ${guestPhysical}`;
      const description = `Paused on VM exit: ${name}${where}`;
      return { reason: 'vm exit', description, text: qualificationText || description };
    }
    case 'exception':
      return {
        reason: 'exception',
        description: `Paused on ${stop.exception.name}`,
        text: sayException(stop.exception),
      };
    case 'entry failure':
      return { reason: 'exception', description: 'Paused on a failed VM entry', text: stop.text };
    case 'ended':
      return { reason: 'exception', description: `Paused: ${stop.end.reason}`, text: stop.end.text };
  }
}

/** An exception in a sentence. */
export function sayException({ name, errorCode, address, vector }: GuestException): string {
  const code = errorCode === undefined ? '' : `, error code ${hex(errorCode)}`;
  const about = address === undefined ? '' : `, about linear ${hex(address)}`;
  return `The guest raised ${name} (vector ${vector}${code}${about}).`;
}

/** Ends after which there is nothing to look at. */
export const isOver = ({ reason }: End): boolean => reason === 'powered off' || reason === 'debug exit';
