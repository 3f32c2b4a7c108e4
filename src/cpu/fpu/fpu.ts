/**
 * The slow functions of x87 and SSE, over the processor's state and soft-float.
 * Source: SDM Vol. 1, ch. 8, 10, 11.
 */
import { assert } from '../../common/assert';
import { SSE_OPERATIONS } from '../../isa/float-operations';
import { Outcome } from '../../isa/slow';
import type { CurrentInstruction, FloatUnit } from '../environment';
import type { LinearMemory } from '../linear-memory';
import type { ProcessorState } from '../state';
import { SSE_ARITHMETIC } from './sse-arithmetic';
import { SSE_CONVERT } from './sse-convert';
import { SseUnit } from './sse-unit';
import type { SseFunction } from './sse-unit';
import { x87 } from './x87';
import { environment } from './x87-environment';
import { X87Unit } from './x87-unit';

function sseTable(): readonly SseFunction[] {
  const byName: Readonly<Record<string, SseFunction>> = { ...SSE_ARITHMETIC, ...SSE_CONVERT };
  return SSE_OPERATIONS.map((name) => {
    const operation = byName[name];
    assert(operation, `SSE operation ${name}`);
    return operation;
  });
}

/**
 * Makes the slow functions `x87`, `x87Environment` and `sse`. They throw `GuestFault` (#MF; #XM or #UD; #GP, #SS, #PF of
 * environment images) and `EXIT_SIGNAL`, then having changed nothing but MXCSR's flags. `reportError` is FERR#: called
 * when a waiting instruction finds a pending exception with CR0.NE = 0.
 */
export function createFpu(
  state: ProcessorState,
  memory: LinearMemory,
  current: CurrentInstruction,
  reportError: () => void = () => undefined,
): FloatUnit {
  const x87Unit = new X87Unit(state);
  const sseUnit = new SseUnit(state);
  const sseOperations = sseTable();
  const around = { length: () => current.length(), reportError };
  return {
    x87(operation, i, low, high, segment, offset) {
      x87(x87Unit, memory, around, operation, i, low, high, segment, offset);
      return Outcome.Done;
    },
    x87Environment(operation, segment, offset, operandSize) {
      environment(x87Unit, memory, operation, segment, offset, operandSize);
      return Outcome.Done;
    },
    sse(operation, destination, source, immediate) {
      sseOperations[operation]!(sseUnit, destination, source, immediate);
      return Outcome.Done;
    },
  };
}
