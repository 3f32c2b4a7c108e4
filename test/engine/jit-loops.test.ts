// Compiled loops over memory look a page up once and then go on in it: they find what interpreted ones find, wherever pages
// lie, and fault where those do.

import assert from 'node:assert/strict';
import { STATE } from '../../src/cpu/layout';
import { EAGER_JIT, NO_JIT } from '../../src/engine/jit/jit';
import type { JitPolicy } from '../../src/engine/jit/jit';
import { Outcome } from '../../src/isa/slow';
import { loadFrom } from './machine-code';
import { longRig, PAGE, ROOT } from './rig';
import type { Rig } from './rig';

const CODE = 0x10000;
const HLT = 0xf4;
const [AX, CX, BX, SP, SI, DI] = [0, 1, 3, 4, 6, 7];
const PAGE_FAULT = 14;
const READ_ONLY = 1n;
/** The pages of the data, by linear address; each has another physical one. */
const DATA = 0x40000;
const PAGES = 8;
const FRAMES = 0x80000;
const frameOf = (page: number): number => FRAMES + ((page * 3 + 5) % PAGES) * PAGE;

/** body; dec rcx; jnz back to it; hlt */
function loop(body: readonly number[]): number[] {
  return [...body, 0x48, 0xff, 0xc9, 0x75, 256 - (body.length + 5), HLT];
}
/** add rsi, step */
const advance = (step: number): number[] => [0x48, 0x83, 0xc6, step & 0xff];

const ADD_BYTE = [0x02, 0x06]; // add al, [rsi]
const ADD_DWORD = [0x03, 0x06]; // add eax, [rsi]
const ADD_QWORD = [0x48, 0x03, 0x06]; // add rax, [rsi]
const ADD_VECTOR = [0xf3, 0x0f, 0x6f, 0x06, 0x66, 0x0f, 0xfe, 0xc8]; // movdqu xmm0, [rsi]; paddd xmm1, xmm0
const INCREMENT = [0x48, 0xff, 0x06]; // inc qword [rsi]
const COPY = [0x48, 0x8b, 0x06, 0x48, 0x89, 0x07, 0x48, 0x83, 0xc7, 0x18]; // mov rax, [rsi]; mov [rdi], rax; add rdi, 24
const ADD_TWO = [0x48, 0x03, 0x06, 0x48, 0x33, 0x86, 0x00, 0x20, 0, 0]; // add rax, [rsi]; xor rax, [rsi + 2000h]
const ADD_INDEXED = [0x03, 0x44, 0x8b, 0x04]; // add eax, [rbx + rcx*4 + 4]
const ADD_OF_GS = [0x65, 0x48, 0x03, 0x06, 0x48, 0x33, 0x06]; // add rax, gs:[rsi]; xor rax, [rsi]
const STORE_BEHIND = [0x48, 0x8b, 0x06, 0x48, 0x89, 0x46, 0x08]; // mov rax, [rsi]; mov [rsi + 8], rax
const PUSH_POP = [0x56, 0x54, 0x5b, 0x58, 0x48, 0x01, 0xc3]; // push rsi; push rsp; pop rbx; pop rax; add rbx, rax

function rigOf(jit: JitPolicy, code: readonly number[], rounds: number, from: number): Rig {
  const rig = longRig({ jit });
  rig.memory.write(CODE, Uint8Array.from(code));
  for (let page = 0; page < PAGES; page++) {
    rig.setEntry(ROOT, DATA + page * PAGE, BigInt(frameOf(page)) | 7n);
    rig.memory.write(
      frameOf(page),
      Uint8Array.from({ length: PAGE }, (_, at) => (page * 37 + at * 11) & 0xff),
    );
  }
  rig.state.setGeneral(AX, 0n);
  rig.state.setGeneral(BX, BigInt(DATA));
  rig.state.setGeneral(CX, BigInt(rounds));
  rig.state.setGeneral(SI, BigInt(from));
  rig.state.setGeneral(DI, BigInt(DATA + 5 * PAGE - 0x40));
  rig.state.setGeneral(SP, BigInt(DATA + PAGE + 12));
  rig.state.setSegmentBase(5, BigInt(PAGE + 0x123));
  return rig;
}

/** Runs in two parts, and gives all that could differ. */
function run(rig: Rig, between?: (rig: Rig) => void): unknown {
  const { state, interpreter, memory } = rig;
  const completed = [];
  let outcome = rig.run(CODE, 250);
  completed.push(interpreter.completed);
  between?.(rig);
  if (outcome === Outcome.Budget) {
    outcome = interpreter.run(100_000);
    completed.push(interpreter.completed);
  }
  return {
    outcome,
    fault: outcome === Outcome.Fault && [STATE.faultVector, STATE.faultError].map((at) => state.word(at)),
    address: outcome === Outcome.Fault && state.quad(STATE.faultAddress),
    completed,
    rip: state.rip,
    flags: state.rflags,
    registers: Array.from({ length: 16 }, (_, number) => state.general(number)),
    vector: [state.quad(STATE.vector + 64), state.quad(STATE.vector + 72)],
    memory: Buffer.from(memory.read(FRAMES, PAGES * PAGE)).toString('base64'),
  };
}

interface Case {
  readonly body: readonly number[];
  readonly step: number;
  readonly from?: number;
  readonly rounds?: number;
  readonly prepare?: (rig: Rig) => void;
  readonly between?: (rig: Rig) => void;
  readonly faults?: boolean;
}

const readOnly = (rig: Rig): void => rig.setEntry(ROOT, DATA + 2 * PAGE, BigInt(frameOf(2)) | READ_ONLY);
/** The TLB has it for reads. */
function readOnlyAndRead(rig: Rig): void {
  readOnly(rig);
  const at = CODE + 0x800;
  rig.memory.write(at, Uint8Array.from([...loadFrom(DATA + 2 * PAGE), HLT]));
  assert.equal(rig.run(at), Outcome.Stop);
}
const NEAR_END = DATA + PAGE - 0x200;

const CASES: Readonly<Record<string, Case>> = {
  'reads bytes from page to page': { body: ADD_BYTE, step: 1, rounds: 3 * PAGE },
  'reads dwords across pages': { body: ADD_DWORD, step: 4, from: NEAR_END + 1 },
  'reads dwords across pages, a byte before the end': { body: ADD_DWORD, step: 4, from: NEAR_END + 3 },
  'reads qwords across pages': { body: ADD_QWORD, step: 8, from: NEAR_END + 7 },
  'reads qwords downwards': { body: ADD_QWORD, step: -8, from: DATA + 3 * PAGE + 0x77 },
  'reads vectors across pages': { body: ADD_VECTOR, step: 16, from: NEAR_END + 1 },
  'reads by an index': { body: ADD_INDEXED, step: 1, rounds: 3 * PAGE },
  'reads two pages by one register': { body: ADD_TWO, step: 8, from: NEAR_END },
  'reads by one register with and without a base': { body: ADD_OF_GS, step: 8, from: NEAR_END },
  'changes memory in place': { body: INCREMENT, step: 8, from: NEAR_END + 5 },
  copies: { body: COPY, step: 24, from: NEAR_END },
  'uses the stack across pages': { body: PUSH_POP, step: 8 },
  'faults where it reads a page that is absent': {
    body: ADD_QWORD,
    step: 8,
    from: NEAR_END + 4,
    prepare: (rig) => rig.setEntry(ROOT, DATA + 2 * PAGE, 0n),
    faults: true,
  },
  'faults where it writes a page that it may read': {
    body: STORE_BEHIND,
    step: 16,
    from: NEAR_END,
    prepare: readOnlyAndRead,
    faults: true,
  },
  'reads the first page': { body: ADD_QWORD, step: 8, from: 0x400, rounds: 200 },
  'sees that the page it is in was mapped elsewhere': {
    body: ADD_QWORD,
    step: 8,
    rounds: 300,
    between: (rig) => {
      rig.setEntry(ROOT, DATA, BigInt(frameOf(6)) | 7n);
      rig.interpreter.flush();
    },
  },
  'sees that the page it is in may no longer be written': {
    body: STORE_BEHIND,
    step: 16,
    from: DATA + 2 * PAGE,
    rounds: 200,
    between: (rig) => {
      readOnly(rig);
      rig.interpreter.flush();
    },
    faults: true,
  },
};

describe('a compiled loop', () => {
  for (const [name, { body, step, from = DATA, rounds = 1000, prepare, between, faults = false }] of Object.entries(
    CASES,
  )) {
    it(`${name}, as interpreted`, () => {
      const results = [NO_JIT, EAGER_JIT].map((jit) => {
        const rig = rigOf(jit, loop([...body, ...advance(step)]), rounds, from);
        prepare?.(rig);
        const result = run(rig, between);
        const { outcome } = result as { outcome: Outcome };
        assert.equal(outcome, faults ? Outcome.Fault : Outcome.Stop);
        if (faults) assert.equal(rig.state.word(STATE.faultVector), PAGE_FAULT);
        const { instructions } = rig.interpreter.compileCounts;
        assert.equal(instructions > 0, jit === EAGER_JIT, `${instructions} instructions compiled`);
        return result;
      });
      assert.deepEqual(results[1], results[0]);
    });
  }
});
