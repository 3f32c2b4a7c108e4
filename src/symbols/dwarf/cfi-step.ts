/**
 * One step from a frame to its caller by call frame information, with the registers that are known in it: what variables
 * of outer frames are computed from. Sources: DWARF 5 section 6.4; arch/x86/include/asm/ptrace.h for the order of registers
 * that Linux pushes.
 */
import { UserError } from '../../common/errors';
import type { Expression } from '../expression/ast';
import { evaluate } from '../expression/evaluate';
import type { ReadLinear } from '../kernel/kallsyms-memory';
import type { UnwindFrame } from '../kernel/unwind';
import type { CallFrames, SavedRegister } from './call-frames';
import { FRAME_REGISTERS } from './registers';

/** A frame with its registers as far as they are known. */
export interface CfiFrame extends UnwindFrame {
  /**
   * Values by lower-case name: of the innermost frame all that the vCPU holds; of others those that are not lost, where a
   * register that the called function may have overwritten is right only for a variable that is said to be in it. The stack, frame and instruction pointers are in `sp`, `bp` and `ip`.
   */
  readonly known?: ReadonlyMap<string, bigint> | undefined;
}

/** Places of memory that one expression may read. */
const MAX_READS = 32;
/** struct pt_regs of x86-64 from its start on, 8 bytes each. */
const PUSHED = 'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi'.split(' ');

/**
 * The frame that called this one; `end` where the information says that nobody did, undefined where it says nothing or
 * memory is missing. `slide` is the linear address of the frame's code minus its link address, bytes.
 */
export async function cfiStep(
  frames: CallFrames,
  frame: CfiFrame,
  read: ReadLinear,
  slide = 0n,
): Promise<CfiFrame | 'end' | undefined> {
  if (frame.isUser) return 'end';
  // A call can be a function's last instruction: what lies behind it is another one's.
  const rules = frames.rulesAt(BigInt.asUintN(64, frame.ip - slide - (frame.isExact ? 0n : 1n)));
  if (!rules) return undefined;
  const { bits } = rules;
  const names = FRAME_REGISTERS[bits];
  const here = await knownRegisters(frame, read, bits);
  // What nothing is said of counts as unchanged: compilers let a variable stay in such a register only if it is.
  const callers = new Map(here);
  for (const [name, saved] of rules.registers) {
    const value = await valueOf(saved, here, read, bits);
    if (value === undefined) callers.delete(name);
    else callers.set(name, value);
  }
  if (rules.registers.get(names.instruction)?.kind === 'undefined') return 'end';
  const ip = callers.get(names.instruction);
  const sp = callers.get(names.stack);
  if (ip === undefined || sp === undefined) return undefined;
  if (ip === 0n) return 'end';
  return { ip, sp, bp: callers.get(names.frame) ?? frame.bp, isExact: rules.isSignalFrame, known: callers };
}

/** The registers of a frame that are known, by lower-case name: what its variables' places are computed from. */
export async function knownRegisters(
  frame: CfiFrame,
  read: ReadLinear,
  bits: 32 | 64 = 64,
): Promise<ReadonlyMap<string, bigint>> {
  const names = FRAME_REGISTERS[bits];
  const known = new Map(frame.known);
  if (frame.pushed?.all) {
    const bytes = await read(frame.pushed.at, PUSHED.length * 8);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const [index, name] of PUSHED.entries()) {
      if (bytes.length >= index * 8 + 8) known.set(name, view.getBigUint64(index * 8, true));
    }
  }
  known.set(names.stack, frame.sp).set(names.instruction, frame.ip);
  // A step that could not tell the frame pointer leaves the one of the frame before.
  if (!known.has(names.frame)) known.set(names.frame, frame.bp);
  return known;
}

async function valueOf(
  saved: SavedRegister,
  registers: ReadonlyMap<string, bigint>,
  read: ReadLinear,
  bits: 32 | 64,
): Promise<bigint | undefined> {
  if (saved.kind === 'undefined') return undefined;
  if (saved.kind === 'value') return computed(saved.value, registers, read, bits);
  const address = await computed(saved.address, registers, read, bits);
  if (address === undefined) return undefined;
  const bytes = await read(address, bits / 8);
  return bytes.length < bits / 8 ? undefined : bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** Memory that an expression needs is fetched, and the expression computed again. */
async function computed(
  expression: Expression,
  registers: ReadonlyMap<string, bigint>,
  read: ReadLinear,
  bits: 32 | 64,
): Promise<bigint | undefined> {
  const fetched = new Map<string, Uint8Array>();
  for (let reads = 0; reads < MAX_READS; reads += 1) {
    let wanted: { readonly address: bigint; readonly length: number } | undefined;
    try {
      return evaluate(expression, {
        register: (name) => {
          const value = registers.get(name);
          return value === undefined ? undefined : { value, bits };
        },
        variable: () => undefined,
        read: (_, address, length) => {
          const bytes = fetched.get(`${address} ${length}`);
          if (!bytes) wanted = { address, length };
          return bytes ?? new Uint8Array(0);
        },
      }).value;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
    if (!wanted) return undefined;
    fetched.set(`${wanted.address} ${wanted.length}`, await read(wanted.address, wanted.length));
  }
  return undefined;
}
