// What packets mean, and stops in the protocol's words, as data.
import assert from 'node:assert/strict';
import { UserError } from '../../src/common/errors';
import { Breakpoints } from '../../src/gdb/breakpoints';
import { bytesOf, parseCount, parseNumber } from '../../src/targets/gdb-wire/hex';
import { LINEAR_MAP, physicalMap } from '../../src/gdb/memory-map';
import { layoutOf } from '../../src/gdb/register-layout';
import { parseOldResume, parseVCont, type ResumeRequest } from '../../src/gdb/resume-request';
import { stopReply, stopText } from '../../src/gdb/stop-reply';
import type { Stop } from '../../src/targets/target';

const isMistake = (error: unknown): boolean => error instanceof UserError;

describe('gdb requests', () => {
  describe('vCont', () => {
    const cases: readonly [string, ResumeRequest | undefined | 'mistake'][] = [
      ['c', { kind: 'continue' }],
      ['C05', { kind: 'continue' }],
      ['s:1', { kind: 'step' }],
      ['s:0001', { kind: 'step' }],
      ['S0b:-1;c', { kind: 'step' }],
      ['c:2;s:1', { kind: 'step' }],
      ['t', { kind: 'stop' }],
      ['r1000,1008:1;c', { kind: 'range', start: 0x1000n, end: 0x1008n }],
      ['c:2', undefined],
      ['x', 'mistake'],
      ['', 'mistake'],
      ['r1000', 'mistake'],
      ['r10000000000000000,0', 'mistake'],
    ];
    for (const [text, expected] of cases) {
      it(JSON.stringify(text), () => {
        if (expected === 'mistake') assert.throws(() => parseVCont(text), isMistake);
        else assert.deepEqual(parseVCont(text), expected);
      });
    }
  });

  it('c, C, s and S, with an address', () => {
    assert.deepEqual(parseOldResume('c', ''), { kind: 'continue' });
    assert.deepEqual(parseOldResume('s', '10'), { kind: 'step', at: 16n });
    assert.deepEqual(parseOldResume('C', '05'), { kind: 'continue' });
    assert.deepEqual(parseOldResume('S', '05;ff'), { kind: 'step', at: 255n });
    assert.throws(() => parseOldResume('c', 'x'), isMistake);
  });

  it('numbers: hexadecimal, of 64 bits, nothing else', () => {
    assert.equal(parseNumber('00000000000000000ffffffffffffffff'), (1n << 64n) - 1n);
    for (const text of [undefined, '', '0x1', '-1', ' 1', '1g', '11111111111111111'])
      assert.throws(() => parseNumber(text), isMistake, String(text));
    assert.equal(parseCount('7fffffff'), 0x7fff_ffff);
    assert.throws(() => parseCount('80000000'), isMistake);
    for (const text of ['0', '0g', 'a b ']) assert.throws(() => bytesOf(text), isMistake, text);
  });

  describe('breakpoints', () => {
    it('become a set for the target; a double is one, and what is not there may be taken away', () => {
      const breakpoints = new Breakpoints();
      for (const args of ['0,1000,1', '0,1000,1', '1,1000,1', '2,2000,4', '3,3000,8', '4,ffffffffffffffff,1'])
        breakpoints.change(true, args);
      breakpoints.change(false, '1,1000,1');
      breakpoints.change(false, '1,1000,1');
      breakpoints.change(true, '0,4000,1;X5,0102030405');
      const { code, data } = breakpoints.toSet();
      assert.deepEqual(
        code.map(({ linear }) => linear),
        [0x1000n, 0x4000n],
      );
      assert.deepEqual(
        data.map(({ linear, length, access }) => [linear, length, access]),
        [
          [0x2000n, 4, 'write'],
          [0x3000n, 8, 'read'],
          [(1n << 64n) - 1n, 1, 'readWrite'],
        ],
      );
    });

    it('refuses what is none, and too many', () => {
      const breakpoints = new Breakpoints();
      for (const args of ['', '5,0,1', '0', '0,,1', '0,1', '0,zz,1', '00,1,1', '2,1,ffffffff'])
        assert.throws(() => breakpoints.change(true, args), isMistake, args);
      for (let at = 0; at < 4096; at++) breakpoints.change(true, `0,${at.toString(16)},1`);
      assert.throws(() => breakpoints.change(true, '0,10000,1'), isMistake);
    });
  });

  describe('a stop', () => {
    const breakpoints = new Breakpoints();
    for (const args of ['0,1000,1', '1,1008,1', '2,2000,4', '3,3000,4', '4,4000,4']) breakpoints.change(true, args);
    const ids = (...numbers: number[]): { ids: number[] } => ({ ids: numbers });
    const data = (linear: bigint, length: number, isWrite: boolean) =>
      ({ reason: 'data breakpoint', linear, length, isWrite }) as const;
    const end = (reason: (Stop & { reason: 'ended' })['end']['reason'], debugExit?: number) =>
      ({ reason: 'ended', end: { reason, text: 'It ended.', debugExit } }) as const;
    const cases: readonly [name: string, stop: Stop | undefined, rip: bigint, reply: string][] = [
      ['before the first run', undefined, 0n, 'T05thread:1;'],
      ['step', { reason: 'step' }, 0n, 'T05thread:1;'],
      ['interrupted', { reason: 'pause' }, 0n, 'T02thread:1;'],
      ['Z0', { reason: 'breakpoint', linear: 0x1000n, ...ids(1) }, 0x1000n, 'T05thread:1;swbreak:;'],
      ['Z1', { reason: 'breakpoint', linear: 0x1008n, ...ids(2) }, 0x1008n, 'T05thread:1;hwbreak:;'],
      ['Z0 in a segment with a base', { reason: 'breakpoint', linear: 0x1000n, ...ids(1) }, 0n, 'T05thread:1;'],
      ['another debugger', { reason: 'breakpoint', linear: 0x9000n, ...ids() }, 0x9000n, 'T05thread:1;'],
      ['Z2', { ...data(0x2000n, 4, true), ...ids(3) }, 0n, 'T05thread:1;watch:2000;'],
      ['Z2, from below', { ...data(0x1ffcn, 8, true), ...ids(3) }, 0n, 'T05thread:1;watch:2000;'],
      ['Z2, within', { ...data(0x2002n, 1, true), ...ids(3) }, 0n, 'T05thread:1;watch:2002;'],
      ['Z3', { ...data(0x3000n, 4, false), ...ids(4) }, 0n, 'T05thread:1;rwatch:3000;'],
      ['Z4', { ...data(0x4000n, 4, false), ...ids(5) }, 0n, 'T05thread:1;awatch:4000;'],
      ['power-off', end('powered off'), 0n, 'W00'],
      ['isa-debug-exit', end('debug exit', 0x31), 0n, 'W31'],
      ['triple fault', end('triple fault'), 0n, 'T0bthread:1;'],
      ['reset', end('reset'), 0n, 'T0fthread:1;'],
      ['halted for good', end('halted'), 0n, 'T11thread:1;'],
      ['VM entry failed', end('vm entry failed'), 0n, 'T06thread:1;'],
      ['stuck', end('stuck'), 0n, 'T06thread:1;'],
    ];
    for (const [name, stop, rip, reply] of cases) {
      it(name, () => {
        const understood = { swbreak: true, hwbreak: true };
        assert.equal(stopReply(stop, { thread: 1, registers: '', rip, breakpoints, understood }), reply);
      });
    }

    it('names no kind of breakpoint that the debugger does not know', () => {
      const stop: Stop = { reason: 'breakpoint', linear: 0x1000n, ids: [1] };
      const understood = { swbreak: false, hwbreak: true };
      const scene = { thread: 1, registers: '10:00;', rip: 0x1000n, breakpoints, understood };
      assert.equal(stopReply(stop, scene), 'T0510:00;thread:1;');
    });

    it('says what its number does not', () => {
      assert.equal(stopText(end('triple fault')), 'It ended.\n');
      assert.equal(stopText({ reason: 'step' }), undefined);
      assert.equal(stopText({ reason: 'step', note: 'A note.' }), 'A note.\n');
    });
  });

  it('a memory map names all linear addresses, and of guest-physical memory what is there', () => {
    assert.match(LINEAR_MAP, /start="0x0" length="0x8000000000000000".*start="0x8000000000000000"/s);
    const map = physicalMap([
      { start: '0x0', end: '0xa0000', kind: 'RAM', name: 'RAM' },
      { start: '0xa0000', end: '0x100000', kind: 'none', name: 'nothing' },
      { start: '0xfee00000', end: '0xfee01000', kind: 'device', name: 'Local APIC' },
    ]);
    assert.deepEqual(map.match(/start="\S+" length="\S+"/g), [
      'start="0x0" length="0xa0000"',
      'start="0xfee00000" length="0x1000"',
    ]);
  });

  it('register layouts: every name once, whole bytes', () => {
    for (const architecture of ['x86-64', 'i386', 'i8086'] as const) {
      const { registers } = layoutOf(architecture);
      assert.equal(new Set(registers.map(({ name }) => name)).size, registers.length);
      assert.ok(registers.every(({ bits }) => bits % 8 === 0));
    }
  });
});
