/** What our pages (`webview/`) and the window that holds them say to each other: plain data over `postMessage`. */

/** The pages that there are. */
export const PAGES = ['address', 'devices', 'memory', 'exits'] as const;

export type PageName = (typeof PAGES)[number];

/** The requests of the debug session that a page may send. Types of arguments and answers: the protocol's, and ours. */
export const PAGE_COMMANDS = [
  'evaluate',
  'readMemory',
  'writeMemory',
  'vmxray/walk',
  'vmxray/mappings',
  'vmxray/memoryMap',
  'vmxray/devices',
  'vmxray/writeDevice',
  'vmxray/interrupts',
  'vmxray/exits',
] as const;

export type PageCommand = (typeof PAGE_COMMANDS)[number];

/** The debug session that a page is about. */
export interface PageSession {
  readonly name: string;
  readonly state: 'none' | 'running' | 'stopped';
  /** Counts the stops and the edits of the session: what was read before is old when it changes. */
  readonly moment: number;
  /** Counts the stops alone: changes are marked from one to the next. */
  readonly stop: number;
  readonly threadId: number;
  /** The places that pages have asked to stop at: `0x…` or `physical:0x…` of the first byte. */
  readonly breaks: readonly string[];
  readonly frameId?: number | undefined;
}

/** What the window says to a page. */
export type ToPage =
  | { readonly kind: 'session'; readonly session: PageSession }
  /** The guest runs, and has come further. */
  | { readonly kind: 'tick' }
  /** The user wants to see this address or expression. */
  | { readonly kind: 'show'; readonly text: string }
  | { readonly kind: 'answer'; readonly id: number; readonly body: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly message: string };

/** What a page says to the window. */
export type FromPage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'call'; readonly id: number; readonly command: PageCommand; readonly args: object }
  /** Show another page, at an address or expression. */
  | { readonly kind: 'open'; readonly page: PageName; readonly text: string }
  /** Stop when the bytes at `0x…` (linear) or `physical:0x…` are written, or no longer (`on` false). */
  | {
      readonly kind: 'breakOnWrite';
      readonly id: number;
      readonly place: string;
      readonly length: number;
      readonly on: boolean;
    };
