/**
 * The dynamic part of a 16- or 32-bit task-state segment: what a task switch saves and loads.
 *
 * Source: SDM Vol. 3A 7.2.1 (figure 7-2) and 7.6 (figure 7-10).
 */

/** Offsets in a 32-bit TSS. */
export const TSS32 = {
  backLink: 0,
  cr3: 0x1c,
  eip: 0x20,
  eflags: 0x24,
  /** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI. */
  general: 0x28,
  /** ES, CS, SS, DS, FS, GS. */
  segments: 0x48,
  ldt: 0x60,
  /** Bit 0: debug trap on a switch to the task. */
  trap: 0x64,
  ioMap: 0x66,
  /** Smallest limit. */
  limit: 0x67,
} as const;

/** Offsets in a 16-bit TSS. */
export const TSS16 = {
  backLink: 0,
  ip: 0x0e,
  flags: 0x10,
  general: 0x12,
  /** ES, CS, SS, DS. */
  segments: 0x22,
  ldt: 0x2a,
  limit: 0x2b,
} as const;

/** What a TSS says of a task. */
export interface TaskImage {
  /** Undefined in a 16-bit TSS. */
  readonly cr3: bigint | undefined;
  readonly eip: bigint;
  readonly eflags: number;
  /** EAX to EDI, 32 bits; from a 16-bit TSS zero-extended (the SDM leaves the upper halves undefined). */
  readonly general: readonly number[];
  /** Selectors of ES, CS, SS, DS, FS, GS; FS and GS are null from a 16-bit TSS. */
  readonly segments: readonly number[];
  readonly ldt: number;
  readonly trap: boolean;
}

/** Reads a TSS of at least `limit` + 1 bytes. */
export function readTaskImage(bytes: Uint8Array, is32: boolean): TaskImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (at: number): number => view.getUint16(at, true);
  const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  if (!is32) {
    return {
      cr3: undefined,
      eip: BigInt(word(TSS16.ip)),
      eflags: word(TSS16.flags),
      general: range(8).map((index) => word(TSS16.general + index * 2)),
      segments: [...range(4).map((index) => word(TSS16.segments + index * 2)), 0, 0],
      ldt: word(TSS16.ldt),
      trap: false,
    };
  }
  const long = (at: number): number => view.getUint32(at, true);
  return {
    cr3: BigInt(long(TSS32.cr3)),
    eip: BigInt(long(TSS32.eip)),
    eflags: long(TSS32.eflags),
    general: range(8).map((index) => long(TSS32.general + index * 4)),
    segments: range(6).map((index) => word(TSS32.segments + index * 4)),
    ldt: word(TSS32.ldt),
    trap: (word(TSS32.trap) & 1) !== 0,
  };
}

/** The stretch of a TSS that saving a task writes, in the order of the fields; selectors leave their upper half alone. */
export function savedFields(
  is32: boolean,
  task: Pick<TaskImage, 'eip' | 'eflags' | 'general' | 'segments'>,
): { readonly offset: number; readonly bytes: 2 | 4; readonly value: number }[] {
  const bytes = is32 ? 4 : 2;
  const start = is32 ? TSS32.eip : TSS16.ip;
  const scalars = [Number(task.eip), task.eflags, ...task.general];
  const segments = is32 ? task.segments : task.segments.slice(0, 4);
  const at = is32 ? TSS32.segments : TSS16.segments;
  return [
    ...scalars.map((value, index) => ({ offset: start + index * bytes, bytes, value }) as const),
    ...segments.map((value, index) => ({ offset: at + index * bytes, bytes: 2, value }) as const),
  ];
}
