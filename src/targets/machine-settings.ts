/**
 * What a user can say about a machine, on the command line or in launch.json, and how it reads: sizes, times, seeds and
 * files. Everything here that is wrong is a UserError.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { FlatPlacement } from '../machine/boot/options';
import type { Limits } from './limits';
import type { TargetDescription } from './target';
import { fileTooLarge, notAFile, notAPlacement, notASeed, notASize, notATime, unreadableFile } from './errors';

/** How guest time relates to the host's: `free` runs as fast as it can, `wall` waits for the host's clock in HLT. */
export type Pace = 'free' | 'wall';

/**
 * How the hypervisor fills the EPT (`HypervisorOptions.policy`), for tests: the guest's state is the same with each.
 * `evict` is `lazy4k` with random entries taken away again every 10,000 instructions.
 */
export type EptMode = 'lazy4k' | 'lazy64k' | 'eager2m' | 'evict';

/**
 * When code is compiled: `on` (the default) when it is hot, `off` never, `eager` as soon as it has run once (for tests). The guest's state
 * is the same with each.
 */
export type JitMode = 'on' | 'off' | 'eager';

/** A machine as its user describes it. Texts are not yet checked. */
export interface MachineSettings {
  /** Path of the kernel: bzImage, ELF, Multiboot image. */
  readonly kernel: string;
  /** What the machine is listed as; the kernel's file name if left out. */
  readonly name?: string | undefined;
  readonly initrd?: string | undefined;
  readonly cmdline?: string | undefined;
  /** Such as `256M`, the default. */
  readonly memory?: string | undefined;
  /** Root mode, without our hypervisor. */
  readonly bare?: boolean | undefined;
  /** A whole number as text. */
  readonly seed?: string | undefined;
  /** `now`, or an ISO time. */
  readonly rtc?: string | undefined;
  readonly ept?: EptMode | undefined;
  readonly jit?: JitMode | undefined;
  /** `ADDRESS:MODE` of a flat binary. */
  readonly flat?: string | undefined;
  readonly limits?: Limits | undefined;
}

/** A machine that goes on from a snapshot, which says everything but what the guest cannot see. */
export interface RestoredSettings {
  /** Path of the snapshot. */
  readonly restore: string;
  /** Who it is, for lists: the snapshot says it in no words. */
  readonly identity?: TargetDescription | undefined;
  readonly ept?: EptMode | undefined;
  readonly jit?: JitMode | undefined;
  readonly limits?: Limits | undefined;
}

/** The memory of a machine whose user says nothing. */
export const DEFAULT_MEMORY = '256M';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
// Longer than the board can have in any unit, and still exact as a number.
const MAX_DIGITS = 15;

/** Bytes that `text` (`256M`, `1g`, `0x10000000`, `268435456`) stands for. Whether a board can have them is its own word. */
export function parseSize(text: string): number {
  const match = /^(0x[0-9a-f]+|[0-9]+)([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (!match || match[1]!.length > MAX_DIGITS) throw notASize(text);
  return Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
}

/** An unsigned 32-bit seed. */
export function parseSeed(text: string): number {
  const value = /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(text) ? Number(text) : NaN;
  if (!(value <= 0xffff_ffff)) throw notASeed(text);
  return value;
}

const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?$/;
// The RTC's calendar has two digits of year and a century register.
const LAST_RTC_SECOND = Date.UTC(2100, 0, 1) / 1000 - 1;

/** Seconds since 1970 (UTC) for `now` or an ISO time; a time without a zone is UTC. */
export function parseRtc(text: string, now: () => number): number {
  if (text === 'now') return Math.floor(now() / 1000);
  const withZone = /T[^+-]*\d$/.test(text) ? `${text}Z` : text;
  const seconds = ISO.test(text) ? Math.floor(Date.parse(withZone) / 1000) : NaN;
  if (!(seconds >= 0 && seconds <= LAST_RTC_SECOND)) throw notATime(text);
  return seconds;
}

const FLAT = /^(0x[0-9a-f]{1,8}|[0-9]{1,10}):(real16|protected32|long64)$/i;

/** Where a flat binary goes, from `ADDRESS:MODE`. */
export function parseFlat(text: string): FlatPlacement {
  const match = FLAT.exec(text);
  if (!match) throw notAPlacement(text);
  return { address: Number(match[1]), mode: match[2]!.toLowerCase() as FlatPlacement['mode'] };
}

const MAX_FILE_BYTES = 3 * 2 ** 30;

/** The bytes of a guest's file; `what` names its role in error sentences. */
export function readGuestFile(what: string, path: string): Uint8Array {
  let file: number | undefined;
  try {
    // Not blocking: opening a pipe that nobody writes to must not hang.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = fstatSync(file);
    if (status.isDirectory()) throw unreadableFile(what, path, 'EISDIR');
    if (!status.isFile()) throw notAFile(what, path);
    if (status.size > MAX_FILE_BYTES) throw fileTooLarge(what, path);
    return readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (/^E[A-Z]+$/.test(code)) throw unreadableFile(what, path, code);
    if (/^ERR_/.test(code)) throw unreadableFile(what, path, code === 'ERR_FS_FILE_TOO_LARGE' ? 'EFBIG' : 'EINVAL');
    throw error;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
