/**
 * libvirt's states, reasons and events in its own words. Source: libvirt 9.0, include/libvirt/libvirt-domain.h,
 * libvirt-network.h, libvirt-storage.h, and the names that virsh gives them.
 */
import type { ItemState } from '../provider';

const DOMAIN_STATES: readonly (readonly [string, ItemState])[] = [
  ['no state', 'unknown'],
  ['running', 'running'],
  ['idle', 'running'],
  ['paused', 'paused'],
  ['in shutdown', 'changing'],
  ['shut off', 'stopped'],
  ['crashed', 'failed'],
  ['pmsuspended', 'paused'],
];

/** Reasons, by state. */
const REASONS: readonly (readonly string[])[] = [
  [],
  'unknown,booted,migrated,restored,from snapshot,unpaused,migration canceled,save canceled,event wakeup,crashed,post-copy,post-copy failed'.split(
    ',',
  ),
  [],
  'unknown,user,migrating,saving,dumping,I/O error,watchdog,from snapshot,shutting down,creating snapshot,crashed,starting up,post-copy,post-copy failed,api error'.split(
    ',',
  ),
  ['unknown', 'user'],
  'unknown,shutdown,destroyed,crashed,migrated,saved,failed,from snapshot,daemon'.split(','),
  ['unknown', 'panicked'],
  ['unknown'],
];

/** virDomainState by number. */
export const DOMAIN_STATE = { running: 1, paused: 3, shutoff: 5, crashed: 6, pmSuspended: 7 } as const;

/** A domain's state as virsh says it, and as the tree colours it. */
export function domainState(state: number, reason: number): { readonly word: string; readonly state: ItemState } {
  const [word = `state ${state}`, colour = 'unknown'] = DOMAIN_STATES[state] ?? [];
  const why = REASONS[state]?.[reason];
  const isPlain = why === undefined || /^(unknown|booted|user|unpaused|shutdown|destroyed)$/.test(why);
  const isTrouble = why !== undefined && /error|failed|crashed/.test(why);
  return { word: isPlain ? word : `${word} (${why})`, state: isTrouble ? 'failed' : colour };
}

const LIFECYCLE: readonly (readonly [string, readonly string[]])[] = [
  ['defined', ['added', 'updated', 'renamed', 'from snapshot']],
  ['undefined', ['removed', 'renamed']],
  ['started', ['booted', 'migrated', 'restored', 'from snapshot', 'woken up']],
  [
    'suspended',
    [
      'paused',
      'migrated',
      'I/O error',
      'watchdog',
      'restored',
      'from snapshot',
      'API error',
      'post-copy',
      'post-copy failed',
    ],
  ],
  ['resumed', ['unpaused', 'migrated', 'from snapshot', 'post-copy', 'post-copy failed']],
  ['stopped', ['shut down', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from snapshot']],
  ['shut down', ['finished', "on the guest's request", "on the host's request"]],
  ['suspended by its power management', ['memory', 'disk']],
  ['crashed', ['panicked', 'crash loaded']],
];

/** A domain's lifecycle event in words, and whether it is bad news. */
export function lifecycleWords(event: number, detail: number): { readonly words: string; readonly isWarning: boolean } {
  const [word = `event ${event}`, details = []] = LIFECYCLE[event] ?? [];
  const why = details[detail];
  return {
    words: why === undefined ? word : `${word} (${why})`,
    isWarning: /crashed|failed|error|watchdog/i.test(`${word} ${why}`),
  };
}

const NETWORK_EVENTS = ['defined', 'undefined', 'started', 'stopped'];
const POOL_EVENTS = ['defined', 'undefined', 'started', 'stopped', 'created', 'deleted'];

export const networkEventWord = (event: number): string => NETWORK_EVENTS[event] ?? `event ${event}`;
export const poolEventWord = (event: number): string => POOL_EVENTS[event] ?? `event ${event}`;

const POOL_STATES: readonly (readonly [string, ItemState])[] = [
  ['inactive', 'stopped'],
  ['building', 'changing'],
  ['running', 'running'],
  ['degraded', 'failed'],
  ['inaccessible', 'failed'],
];

export const poolState = (state: number): readonly [string, ItemState] =>
  POOL_STATES[state] ?? [`state ${state}`, 'unknown'];
