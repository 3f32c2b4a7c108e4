/** Completions of members, tags and types; expressions over the registers of a caller. */
import assert from 'node:assert/strict';
import { UserError } from '../../../src/common/errors';
import type { Expression } from '../../../src/symbols/expression/ast';
import { bindRegisters, type FrameBinding, variablesIn } from '../../../src/symbols/expression/bind-registers';
import { completeExpression } from '../../../src/symbols/expression/complete';
import { evaluate } from '../../../src/symbols/expression/evaluate';
import { parseExpression } from '../../../src/symbols/expression/parse';
import { parseLogTemplate, renderLog } from '../../../src/symbols/expression/log-template';
import { U64 } from '../../../src/symbols/expression/types';
import { GuestMemory, NAMES } from '../types/guest';
import { outcome } from './names';

describe('completion over types', () => {
  const names = { symbols: () => ['init_task'], registers: ['rax'], variables: ['task'], typed: NAMES };
  /** `|` is the caret; at most the first three labels. */
  const cases: readonly (readonly [string, string])[] = [
    ['init_task.p|', '10+1 pid parent prio'],
    ['init_task.|', '10+0 pid state comm'],
    ['1 + first->a|', '11+1 action at alive'],
    ['first->at.|', '10+0 x y'],
    ['first -> parent -> at . |', '24+0 x y'],
    ['(*first).grid|', '9+4 grid'],
    ['((struct task *)0x2000)->pi|', '25+2 pid'],
    ['names[first->pid] + (*first@2)[1].pi|', '34+2 pid'],
    ['task->comm|x', '6+4 comm'],
    ['$current->pri|', '10+3 prio'],
    ['per_cpu(current_task, 1)->pi|', '26+2 pid'],
    ['first->nothing|', ''],
    ['(struct ta|', '8+2 task'],
    ['(enum |', '6+0 flags state'],
    ['(task|', '1+4 task task_t init_task'],
    ['t|', '0+1 task this_cpu task_t'],
    ['table[1|', ''],
    ['counter.x|', '0+9 init_task'],
  ];
  for (const [marked, expected] of cases) {
    it(marked, () => {
      const found = completeExpression(marked.replace('|', ''), marked.indexOf('|'), names);
      const [first] = found;
      const labels = found.slice(0, 3).map(({ label }) => label);
      assert.equal(first ? `${first.start}+${first.length} ${labels.join(' ')}` : '', expected);
    });
  }
});

describe('registers of a frame', () => {
  const values: Readonly<Record<string, bigint>> = { rbp: 0x2030n, rdi: 0x2100n };
  const binding: FrameBinding = {
    register: (name) => {
      const value = values[name];
      if (value === undefined) throw new UserError('test', `${name} is lost.`);
      return { kind: 'constant', value, type: U64 };
    },
    variable: (name) => ({ kind: 'register', name: name.replace('entry:', '') }),
  };
  const scope = new GuestMemory().scope();
  const cases: readonly (readonly [string, string])[] = [
    ['task->pid', '2'],
    ['$rdi == 0x2100 ? task->pid : 0', '2'],
    ['-task->pid in (1, -2)', '1'],
    ['&spot.x', '8232'],
    ['i', 'rbx is lost.'],
    ['counter & 0xff', '136'],
  ];
  for (const [text, expected] of cases) {
    it(text, () =>
      assert.equal(
        outcome(() => String(evaluate(bindRegisters(parseExpression(text, NAMES), binding), scope).value)),
        expected,
      ),
    );
  }

  it('what was in a register at the call is another expression', () => {
    const entry: Expression = { kind: 'variable', name: 'entry:rax' };
    const sum: Expression = {
      kind: 'binary',
      operator: '+',
      left: entry,
      right: { kind: 'binary', operator: '*', left: entry, right: entry },
    };
    assert.deepEqual([...variablesIn(sum)], ['entry:rax']);
    const bound = bindRegisters(sum, binding);
    assert.deepEqual(bound.kind === 'binary' && bound.left, { kind: 'register', name: 'rax' });
    assert.deepEqual([...variablesIn(bound)], []);
  });
});

describe('log messages over types', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['{first->comm} {first->name} {first->pid:d}', 'init one 1'],
    ['{first->comm == "}" ? 1 : 2}', '2'],
    ['{*names[2]:d}', '116'],
  ];
  const scope = new GuestMemory().scope();
  for (const [text, expected] of cases) {
    it(text, () =>
      assert.equal(
        outcome(() => renderLog(parseLogTemplate(text, NAMES), scope)),
        expected,
      ),
    );
  }
});
