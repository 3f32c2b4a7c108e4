// `vmxray debug` command by command, against a scripted adapter: what each line asks for, and what its answer becomes.
import assert from 'node:assert/strict';
import { complete } from '../../src/cli/debug/completion';
import { COMMANDS } from '../../src/cli/debug/commands';
import { debugPeer, ScriptedPeer } from './debug-peer';

type Asked = readonly [command: string, args: object];

const source = { name: 'main.c', path: '/k/tour/main.c' };
const timer = { name: 'timer.c', path: '/k/tour/timer.c' };
const byFunction = (...breakpoints: object[]): Asked => ['setFunctionBreakpoints', { breakpoints }];
const byAddress = (...breakpoints: object[]): Asked => ['setInstructionBreakpoints', { breakpoints }];
const byLine = (file: object, ...breakpoints: object[]): Asked => ['setBreakpoints', { source: file, breakpoints }];
const byData = (...breakpoints: object[]): Asked => ['setDataBreakpoints', { breakpoints }];
const byEvent = (...filterOptions: object[]): Asked => [
  'setExceptionBreakpoints',
  { filters: ['tripleFault'], filterOptions },
];
const repl = (expression: string): Asked => ['evaluate', { expression, context: 'repl', frameId: 1000 }];

const ASKED: readonly [lines: string, ...asked: Asked[]][] = [
  ['break kmain', byFunction({ name: 'kmain' })],
  ['b kmain if $rax == 1', byFunction({ condition: '$rax == 1', name: 'kmain' })],
  ['b timer.c:16', byLine(timer, { line: 16 })],
  ['b tour/main.c:3 if x > 2', byLine(source, { condition: 'x > 2', line: 3 })],
  ['b 7', byLine(source, { line: 7 })],
  ['b *0x100018', byAddress({ instructionReference: '0x100018' })],
  ['b', byAddress({ instructionReference: '0x1004' })],
  ['b one; b two', byFunction({ name: 'one' }), byFunction({ name: 'one' }, { name: 'two' })],
  ['b one; delete 1', byFunction({ name: 'one' }), byFunction()],
  ['b one; disable 1; enable', byFunction({ name: 'one' }), byFunction(), byFunction({ name: 'one' })],
  ['b one; condition 1 $rdi', byFunction({ name: 'one' }), byFunction({ condition: '$rdi', name: 'one' })],
  ['b one; ignore 1 3', byFunction({ name: 'one' }), byFunction({ hitCondition: '> 3', name: 'one' })],
  ['dprintf kmain,rax is {$rax}', byFunction({ logMessage: 'rax is {$rax}', name: 'kmain' })],
  [
    'watch ticks',
    ['dataBreakpointInfo', { name: 'ticks', frameId: 1000 }],
    byData({ dataId: 'ticks/8', accessType: 'write' }),
  ],
  [
    'rwatch 0x2000,4 if $rip',
    ['dataBreakpointInfo', { name: '0x2000', asAddress: true, bytes: 4 }],
    byData({ condition: '$rip', dataId: '0x2000/4', accessType: 'read' }),
  ],
  ['catch exit', byEvent({ filterId: 'exit' })],
  ['catch exit EPT violation, CPUID', byEvent({ filterId: 'exit', condition: 'reason in (EPT_VIOLATION, CPUID)' })],
  ['catch exit HLT CPUID', byEvent({ filterId: 'exit', condition: 'reason in (HLT, CPUID)' })],
  ['catch exit I/O instruction', byEvent({ filterId: 'exit', condition: 'reason == IO_INSTRUCTION' })],
  ['catch exit if gpa == 1', byEvent({ filterId: 'exit', condition: 'gpa == 1' })],
  ['catch exit HLT if $rax || $rbx', byEvent({ filterId: 'exit', condition: '(reason == HLT) && ($rax || $rbx)' })],
  ['catch exception #PF 13', byEvent({ filterId: 'exception', condition: 'vector in (14, 13)' })],
  ['catch portio if port == 0x3f8', byEvent({ filterId: 'portIo', condition: 'port == 0x3f8' })],
  ['continue', ['continue', { threadId: 1 }]],
  ['c', ['continue', { threadId: 1 }]],
  ['step', ['stepIn', { threadId: 1, granularity: 'statement' }]],
  ['n', ['next', { threadId: 1, granularity: 'statement' }]],
  ['si', ['stepIn', { threadId: 1, granularity: 'instruction' }]],
  ['ni', ['next', { threadId: 1, granularity: 'instruction' }]],
  ['finish', ['stepOut', { threadId: 1 }]],
  ['stepexit', ['vmxray/stepExit', { threadId: 1 }]],
  ['stepexit CPUID', ['vmxray/stepExit', { threadId: 1, reasons: ['CPUID'] }]],
  ['se EPT violation, 10', ['vmxray/stepExit', { threadId: 1, reasons: ['EPT violation', '10'] }]],
  ['until', ['next', { threadId: 1, granularity: 'statement' }]],
  ['until done', byFunction({ name: 'done' }), ['continue', { threadId: 1 }], byFunction()],
  ['serial root', ['vmxray/serialInput', { data: Buffer.from('root\r').toString('base64') }]],
  ['serial \\x03\\', ['vmxray/serialInput', { data: Buffer.from('\x03').toString('base64') }]],
  ['serial ä\\n\\', ['vmxray/serialInput', { data: Buffer.from('ä\n').toString('base64') }]],
  ['walk 0x1000', repl('walk 0x1000')],
  ['x/4xg $rsp', repl('x/4xg $rsp')],
  ['p/x $rax', repl('p/x $rax')],
  ['set $rax = 1', repl('set $rax = 1')],
  ['info registers', repl('regs')],
  ['info exits 5', repl('exits 5')],
  ['info', repl('info')],
  ['info timers', repl('info timers')],
  ['up; p $rip', ['evaluate', { expression: 'p $rip', context: 'repl', frameId: 1001 }]],
  ['# a comment'],
  [''],
  ['si;', ...Array(2).fill(['stepIn', { threadId: 1, granularity: 'instruction' }] satisfies Asked)],
  ['b one;', byFunction({ name: 'one' })],
];

const RESUMING = ['continue', 'stepIn', 'next', 'stepOut', 'vmxray/stepExit'];

function autoStop(peer: ScriptedPeer, reason = 'step'): void {
  for (const command of RESUMING)
    peer.answers[command] = () => {
      setImmediate(() => peer.stop(reason));
      return {};
    };
}

describe('vmxray debug asks for', () => {
  for (const [lines, ...asked] of ASKED) {
    it(JSON.stringify(lines), async () => {
      const { peer, shell, shown } = await debugPeer();
      autoStop(peer);
      for (const line of lines.split(';')) assert.ok(await shell.execute(line), shown());
      assert.deepEqual(peer.asked, asked);
    });
  }
});

const REFUSED: readonly [line: string, sentence: RegExp][] = [
  ['b main.c:3', /main\.c is any of \/k\/tour\/main\.c, \/k\/boot\/main\.c: write more/],
  ['delete 7', /There is no breakpoint 7/],
  ['delete x', /"x" is not a list of breakpoints/],
  ['catch tea', /There is no event "tea": it is one of exit, exception, tripleFault, portIo/],
  ['catch exception #ZZ', /"#ZZ" is no exception/],
  ['catch portIo 0x3f8', /does not narrow portIo/],
  ['stepi 0', /"0" is not a number of steps/],
  ['watch', /Name what to watch/],
  ['watch 0x10,99999', /99999 bytes cannot be watched/],
  ['watch nothing', /no such place/],
  ['frame 9', /There is no frame 9/],
  ['down', /innermost frame/],
  ['frame x', /There is no frame/],
  ['list 1', /main\.c has no line 1, or is not to be had/],
  ['pause', /The guest is not running/],
  ['bogus', /no command bogus/],
  ['dprintf kmain', /A log point is LOCATION,TEXT/],
  ['ignore 1', /is not a number of hits/],
  ['condition x', /A breakpoint's number comes first/],
];

describe('vmxray debug refuses', () => {
  for (const [line, sentence] of REFUSED) {
    it(line, async () => {
      const { peer, shell, shown } = await debugPeer();
      peer.answers.dataBreakpointInfo = () => ({ dataId: null, description: 'no such place' });
      peer.answers.evaluate = ({ expression }) => new Error(`no command ${String(expression)}`);
      assert.equal(await shell.execute(line), false);
      assert.match(shown(), sentence);
      assert.ok(shell.session.isStopped);
    });
  }
});

describe('vmxray debug shows', () => {
  it('a stop: why, where, the instruction where there is no source', async () => {
    const { peer, shell, shown } = await debugPeer();
    await shell.execute('b kmain');
    const [id] = shell.breakpoints.list().map(({ answer }) => answer?.id);
    peer.answers.continue = () => {
      setImmediate(() => peer.stop('function breakpoint', { hitBreakpointIds: [id] }));
      return {};
    };
    assert.match(shown(), /^Breakpoint 1: kmain \(0x1000\)\n$/);
    await shell.execute('c');
    assert.equal(
      shown(),
      'Breakpoint 1, kmain\n' + '#0  0x1004 kmain+0x4 (64-bit mode, ring 0) at /k/tour/main.c:12\n=> 0x1004: cpuid\n',
    );
    await shell.execute('info breakpoints');
    assert.equal(shown(), '1   kmain (0x1000)\n      hit 1 time\n');
  });

  it('the source around a frame, and the next lines', async () => {
    const peer = new ScriptedPeer();
    const frames = {
      totalFrames: 1,
      stackFrames: [{ id: 1, name: 'f', line: 3, column: 0, source: { path: __filename, sourceReference: 5 } }],
    };
    peer.answers.stackTrace = () => frames;
    peer.answers.source = () => ({ content: Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join('\n') });
    const { shell, shown } = await debugPeer(peer);
    await shell.execute('frame');
    assert.match(shown(), /\n {3}1 {2}line 1\n {3}2 {2}line 2\n=> 3 {2}line 3\n {3}4 {2}line 4\n {3}5 {2}line 5\n$/);
    await shell.execute('list');
    assert.match(shown(), /^ {4}1 {2}line 1\n[^]*=> {2}3 {2}line 3\n[^]* 10 {2}line 10\n$/);
    await shell.execute('');
    assert.match(shown(), /^ {3}11 {2}line 11\n[^]* 20 {2}line 20\n$/);
  });

  it('a temporary breakpoint once', async () => {
    const { peer, shell } = await debugPeer();
    await shell.execute('tbreak kmain');
    const [id] = shell.breakpoints.list().map(({ answer }) => answer?.id);
    peer.answers.continue = () => {
      setImmediate(() => peer.stop('function breakpoint', { hitBreakpointIds: [id] }));
      return {};
    };
    await shell.execute('c');
    assert.deepEqual(shell.breakpoints.list(), []);
    assert.deepEqual(peer.asked.at(-1), byFunction());
  });

  it('a guest in the background: its lines, its stop, and pause', async () => {
    const { peer, shell, shown } = await debugPeer();
    await shell.execute('c &');
    assert.equal(await shell.execute('si'), false);
    assert.match(shown(), /The guest is running: `pause` stops it/);
    peer.emit('vmxray/serial', { data: Buffer.from('hel').toString('base64') });
    peer.emit('vmxray/serial', { data: Buffer.from('lo\nlog').toString('base64') });
    peer.emit('output', { category: 'console', output: 'said\n' });
    peer.answers.pause = () => {
      setImmediate(() => peer.stop('pause'));
      return {};
    };
    assert.ok(await shell.execute('pause'));
    assert.match(shown(), /^guest\| hello\nguest\| log\nsaid\nPaused\n#0 /);
  });

  it('steps: as many as were asked for, but not past another stop', async () => {
    const { peer, shell, shown } = await debugPeer();
    let steps = 0;
    peer.answers.stepIn = () => {
      steps++;
      setImmediate(() => peer.stop(steps === 3 ? 'data breakpoint' : 'step'));
      return {};
    };
    await shell.execute('si 2');
    assert.deepEqual([steps, shown().match(/#0/g)?.length], [2, 1]);
    await shell.execute('si 5');
    assert.equal(steps, 3);
    assert.match(shown(), /Paused on data breakpoint/);
  });

  it('the end, and starts again with the same breakpoints', async () => {
    const { peer, shell, shown } = await debugPeer();
    await shell.execute('b kmain');
    peer.answers.continue = () => {
      setImmediate(() => {
        peer.emit('output', { category: 'console', output: 'The guest powered off.\n' });
        peer.emit('exited', { exitCode: 0 });
        peer.emit('terminated');
      });
      return {};
    };
    shown();
    await shell.execute('c');
    assert.match(shown(), /^The guest powered off\.\nThe guest is gone: `run`/);
    assert.equal(await shell.execute('si'), false);
    assert.match(shown(), /There is no guest any more/);
    peer.asked.length = 0;
    shown();
    assert.ok(await shell.execute('restart'));
    assert.deepEqual(peer.asked, [byFunction({ name: 'kmain' }), byEvent()]);
    assert.match(shown(), /^Paused on entry\n#0/);
  });

  it('a breakpoint that a new session refuses, and goes on', async () => {
    const { peer, shell, shown } = await debugPeer();
    await shell.execute('b kmain');
    await shell.execute('b *0x10');
    await shell.execute('kill');
    peer.answers.setInstructionBreakpoints = () => new Error('not there');
    shown();
    assert.ok(await shell.execute('restart'));
    await shell.execute('info breakpoints');
    assert.match(shown(), /1 {3}kmain \(0x1000\)\n2 {3}\*0x10 \[pending\]\n {6}not there\n$/);
  });

  it('an adapter that goes away', async () => {
    const { peer, shell, shown } = await debugPeer();
    peer.answers.continue = () => {
      setImmediate(() => peer.hangUp());
      return {};
    };
    await shell.execute('c');
    assert.match(shown(), /The debug adapter has closed the connection\.\nThe guest is gone/);
  });
});

const COMPLETED: readonly [line: string, words: readonly string[], part: string][] = [
  ['stepe', ['stepexit '], 'stepe'],
  ['wa', ['watch ', 'walk'], 'wa'],
  ['break km', ['kmain', 'kmalloc'], 'km'],
  ['b kmain if $ra', ['$rax'], '$ra'],
  ['catch ex', ['exit ', 'exception '], 'ex'],
  ['catch exit ', [], ''],
  ['info br', ['breakpoints '], 'br'],
  ['delete ', ['1'], ''],
  ['x/4xg $r', ['$rax'], '$r'],
  ['help stepe', ['stepexit'], 'stepe'],
];

describe('vmxray debug completes', () => {
  for (const [line, words, part] of COMPLETED) {
    it(JSON.stringify(line), async () => {
      const { peer, shell } = await debugPeer();
      await shell.execute('b one');
      peer.answers.completions = ({ text }) => {
        const end = /[\w$]*$/.exec(String(text))![0];
        const start = String(text).length - end.length + 1;
        const all = ['walk', 'kmain', 'kmalloc', '$rax', 'other'];
        return {
          targets: all.filter((word) => word.startsWith(end)).map((label) => ({ label, start, length: end.length })),
        };
      };
      const [found, replaced] = await complete(shell, line);
      assert.deepEqual([[...found].sort(), replaced], [[...words].sort(), part]);
    });
  }

  it('every name and alias means one command', () => {
    const names = COMMANDS.flatMap((command) => command.names);
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    );
  });
});
