/**
 * One step from a frame of a Linux kernel to its caller by ORC, through interrupts, exceptions and system calls. Sources:
 * Linux Documentation/arch/x86/orc-unwinder.rst, arch/x86/kernel/unwind_orc.c for what each type of entry means (the
 * offset of `atRsp` as from 5.12 on), arch/x86/include/asm/ptrace.h for struct pt_regs of x86-64.
 *
 * NOT IMPLEMENTED: return addresses that the function graph tracer or a kretprobe replaced; ftrace's trampolines.
 */
import type { ReadLinear } from './linear-memory';
import type { OrcRegister, OrcTable } from './orc';

/** Offsets in struct pt_regs, bytes. */
const REGS = {
  r13: 0x10,
  rbp: 0x20,
  r10: 0x38,
  rdx: 0x60,
  rdi: 0x70,
  rip: 0x80,
  cs: 0x88,
  rsp: 0x98,
} as const;
/** The processor pushes RIP, CS, RFLAGS, RSP and SS. */
const PROCESSOR_PART = BigInt(REGS.rip);

/** Registers that entries need besides those of the frame, 64 bits each. */
export type OtherRegisters = Partial<Readonly<Record<'r10' | 'r13' | 'rdx' | 'rdi', bigint>>>;

/** A frame: linear addresses. */
export interface UnwindFrame {
  /** The next instruction in it. */
  readonly ip: bigint;
  /** RSP as its code sees it. */
  readonly sp: bigint;
  /** RBP as its code sees it. */
  readonly bp: bigint;
  /** False where `ip` lies behind a call; true where it was interrupted, or stands now. */
  readonly isExact: boolean;
  /** The registers that an interrupt, an exception or a system call left on the stack: all, or the processor's part only. */
  readonly pushed?: { readonly at: bigint; readonly all: boolean } | undefined;
  /** Where all registers of a frame further in lie that are still this frame's. */
  readonly earlier?: bigint | undefined;
  /** The frame is of a user program: the kernel's stack ends here. */
  readonly isUser?: boolean | undefined;
  /** For the innermost frame: what the vCPU holds. */
  readonly registers?: OtherRegisters | undefined;
}

/**
 * The frame that called this one or was interrupted by it; `end` where the stack ends, undefined where no data tell.
 * `slide` is the distance of the frame's addresses from those of the table, bytes.
 */
export async function unwindStep(
  orc: OrcTable,
  frame: UnwindFrame,
  read: ReadLinear,
  slide = 0n,
): Promise<UnwindFrame | 'end' | undefined> {
  if (frame.isUser) return 'end';
  const entry = entryOf(orc, frame, slide);
  if (!entry || entry.type === 'unknown') return undefined;
  if (entry.type === 'end') return 'end';
  const word = async (address: bigint): Promise<bigint | undefined> => wordOf(await read(wrap(address), 8));
  const sp = await stackPointer(entry.spRegister, BigInt(entry.spOffset), frame, word);
  if (sp === undefined) return undefined;
  const next =
    entry.type === 'call' ? await called(orc, sp, slide, word) : await interrupted(entry.type, sp, frame, word);
  const bp = next && (await framePointer(entry.bpRegister, BigInt(entry.bpOffset), sp, frame, next, word));
  return bp === undefined ? undefined : { ...next!, bp };
}

type Word = (address: bigint) => Promise<bigint | undefined>;
type Found = Omit<UnwindFrame, 'bp'>;

/** A call through a null pointer: nothing lies at 0, and the return address is on top. */
const CALLED_NOTHING = {
  type: 'call',
  spRegister: 'rsp',
  spOffset: 8,
  bpRegister: 'undefined',
  bpOffset: 0,
} as const;

function entryOf(orc: OrcTable, frame: UnwindFrame, slide: bigint) {
  if (frame.ip === 0n) return CALLED_NOTHING;
  // A call can be a function's last instruction: what lies behind it is another one's.
  return orc.at(wrap(frame.ip - slide - (frame.isExact ? 0n : 1n)));
}

async function stackPointer(
  register: OrcRegister,
  offset: bigint,
  frame: UnwindFrame,
  word: Word,
): Promise<bigint | undefined> {
  switch (register) {
    case 'rsp':
      return wrap(frame.sp + offset);
    case 'rbp':
      return wrap(frame.bp + offset);
    case 'atRbp':
      return word(frame.bp + offset);
    case 'atRsp': {
      const saved = await word(frame.sp);
      return saved === undefined ? undefined : wrap(saved + offset);
    }
    case 'r10':
    case 'r13':
    case 'rdx':
    case 'rdi':
      return otherRegister(register, frame, word);
    default:
      return undefined;
  }
}

async function otherRegister(register: keyof OtherRegisters, frame: UnwindFrame, word: Word) {
  const saved = savedRegisters(frame);
  return saved === undefined ? frame.registers?.[register] : word(saved + BigInt(REGS[register]));
}

/** Where all registers of a frame lie, if they do. */
function savedRegisters({ pushed, earlier }: UnwindFrame): bigint | undefined {
  return pushed?.all ? pushed.at : earlier;
}

async function called(orc: OrcTable, sp: bigint, slide: bigint, word: Word): Promise<Found | undefined> {
  const ip = await word(sp - 8n);
  if (ip === undefined) return undefined;
  // A thunk returns to the function that it jumps to, before which lies nothing: that is no call's return address.
  const link = wrap(ip - slide);
  return { ip, sp, isExact: orc.at(link - 1n) === undefined && orc.at(link) !== undefined };
}

async function interrupted(
  type: 'registers' | 'partialRegisters',
  sp: bigint,
  frame: UnwindFrame,
  word: Word,
): Promise<Found | undefined> {
  const all = type === 'registers';
  const at = all ? sp : wrap(sp - PROCESSOR_PART);
  const ip = await word(at + BigInt(REGS.rip));
  const cs = await word(at + BigInt(REGS.cs));
  const before = await word(at + BigInt(REGS.rsp));
  if (ip === undefined || cs === undefined || before === undefined) return undefined;
  const earlier = all ? undefined : savedRegisters(frame);
  return { ip, sp: before, isExact: true, pushed: { at, all }, earlier, isUser: (cs & 3n) === 3n };
}

async function framePointer(
  register: OrcRegister,
  offset: bigint,
  sp: bigint,
  frame: UnwindFrame,
  next: Found,
  word: Word,
): Promise<bigint | undefined> {
  if (register === 'previousSp') return word(sp + offset);
  if (register === 'rbp') return word(frame.bp + offset);
  if (register !== 'undefined') return undefined;
  const saved = savedRegisters({ ...next, bp: frame.bp });
  return saved === undefined ? frame.bp : word(saved + BigInt(REGS.rbp));
}

function wordOf(bytes: Uint8Array): bigint | undefined {
  if (bytes.length < 8) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}

function wrap(address: bigint): bigint {
  return BigInt.asUintN(64, address);
}
