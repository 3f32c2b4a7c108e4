/**
 * A guest without a hypervisor of ours (`bare: true`): it runs in the processor's own modes on machine memory, with the
 * board's interrupts wired to the processor, and may use VMX itself.
 */
import { STATE } from '../cpu/layout';
import { setSegment } from '../cpu/mode';
import type { Processor } from '../cpu/processor';
import { SEGMENT } from '../isa/semantics';
import type { Vcpu, VcpuStop } from '../engine/vcpu';
import type { InitialState, SegmentState } from './boot/initial-state';
import type { MachineClock } from './clock';

type Ends = Exclude<VcpuStop, 'deadline' | 'exit' | 'halted'>;

/** How a bare guest's run ends. `idle`: HLT until tick `wake`, or until an input comes. */
export type BareStop =
  | { readonly [Kind in Ends]: { readonly kind: Kind } }[Ends]
  | { readonly kind: 'idle'; readonly wake: number | undefined };

const GENERAL = [
  ...(['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'] as const),
  ...(['r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const),
];

export class BareGuest {
  constructor(
    private readonly vcpu: Vcpu,
    private readonly clock: MachineClock,
    private readonly sleep: 'skip' | 'return',
  ) {}

  /** Ends the run at hand at the next instruction boundary. */
  requestStop(): void {
    this.vcpu.requestStop();
  }

  /** An input has changed what the board holds. */
  noticeInput(): void {
    this.vcpu.notice();
  }

  /** Runs until `instructions` more are completed or something ends the run; HLT skips to the next deadline. */
  run(instructions: number): BareStop {
    const end = this.clock.instructions + instructions;
    for (;;) {
      this.clock.advance();
      const stop = this.vcpu.run(end - this.clock.instructions);
      if (stop === 'deadline') continue;
      if (stop === 'exit') throw new Error('bug: an exit left a guest without a native host');
      if (stop !== 'halted') return { kind: stop };
      const { deadline } = this.clock;
      if (deadline === Infinity || this.sleep === 'return') {
        return { kind: 'idle', wake: deadline === Infinity ? undefined : deadline };
      }
      this.clock.skipTo(deadline);
    }
  }
}

/** Puts a boot loader's state into the processor. */
export function startBare(processor: Processor, start: InitialState): void {
  const { state } = processor;
  GENERAL.forEach((name, number) => state.setGeneral(number, start.registers[name]));
  const load = (number: number, { selector, base, limit, access }: SegmentState): void =>
    setSegment(state, number, { selector, base, limit, rights: access });
  for (const name of ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const) {
    load(SEGMENT[name.toUpperCase() as 'ES'], start.segments[name]);
  }
  load(SEGMENT.LDTR, start.ldtr);
  load(SEGMENT.TR, start.tr);
  state.setQuad(STATE.gdtr, start.gdtr.base);
  state.setWord(STATE.gdtr + 8, start.gdtr.limit);
  state.setQuad(STATE.idtr, start.idtr.base);
  state.setWord(STATE.idtr + 8, start.idtr.limit);
  state.setQuad(STATE.cr0, start.cr0);
  state.setQuad(STATE.cr2, start.cr2);
  state.setQuad(STATE.cr3, start.cr3);
  state.setQuad(STATE.cr4, start.cr4);
  state.setQuad(STATE.efer, start.efer);
  state.rip = start.rip;
  state.rflags = Number(start.rflags);
  processor.stateReplaced(true);
}
