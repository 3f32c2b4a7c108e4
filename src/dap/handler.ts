/** What a request's handler is. */
import type { Arguments } from './arguments';

/** An answer, and what happens after it is sent: a resuming request is answered before its `stopped`. */
export interface Reply {
  readonly body?: object;
  readonly after?: () => void;
}

/** One request. UserErrors become error responses. */
export type Handler = (args: Arguments) => Reply | Promise<Reply>;

/** Handlers by command. */
export type Handlers = Readonly<Record<string, Handler>>;

/** Sends an event to the client. */
export type Emit = (event: string, body?: object) => void;

/** Largest thread, frame or variable number of a client. */
export const MAX_ID = 2 ** 31 - 1;
/** Most breakpoints of one request. */
export const MAX_BREAKPOINTS = 100_000;
/** Largest distance of an address from a reference, in bytes. */
export const MAX_OFFSET = Number.MAX_SAFE_INTEGER;
/** Longest condition, expression or message in characters. */
export const MAX_TEXT = 4096;
