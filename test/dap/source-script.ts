// Debugging the tour guest by its sources, as a black-box client sees it: breakpoints of every kind, steps, stacks,
// expressions, edits, and the bug that the guest has. The same script for every engine that can run the guest.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { DapClient } from './client';

export interface Stopped {
  readonly reason: string;
  readonly description?: string;
  readonly text?: string;
  readonly hitBreakpointIds?: readonly number[];
}
export interface Frame {
  readonly id: number;
  readonly name: string;
  readonly line: number;
  readonly source?: { readonly path: string };
  readonly instructionPointerReference: string;
}
export interface Breakpoint {
  readonly id: number;
  readonly verified: boolean;
  readonly line?: number;
  readonly message?: string;
}

/** The guest's sources. */
export const TOUR = join('test', 'guests', 'tour');
const source = (file: string) => ({ path: resolve(TOUR, file) });
/** The number of the first line of a tour file that has this text. */
const lineOf = (file: string, text: string): number => {
  const line = readFileSync(join(TOUR, file), 'utf8')
    .split('\n')
    .findIndex((content) => content.includes(text));
  assert.ok(line >= 0, `${file} has no ${text}`);
  return line + 1;
};

/** A session with the tour guest at rest before it begins. */
export interface TourSession {
  readonly client: DapClient;
  stop(): Promise<void> | void;
}

/** How an engine gives such sessions, and what it cannot do. */
export interface TourDoor {
  start(): Promise<TourSession>;
  /** VM exits and exceptions can be stopped at. */
  readonly hasEvents: boolean;
  readonly canRestart: boolean;
  /** Edits that the processor could not hold are refused. */
  readonly checksEdits: boolean;
}

/** Defines the suite. */
export function debugsTheTour(title: string, door: TourDoor): void {
  describe(title, function () {
    this.timeout(180_000);
    let session: TourSession;
    let client: DapClient;

    beforeEach(async () => {
      session = await door.start();
      client = session.client;
    });
    afterEach(() => session?.stop());

    async function set(command: string, args: object): Promise<readonly Breakpoint[]> {
      return (await client.request<{ breakpoints: Breakpoint[] }>(command, args)).breakpoints;
    }
    const breakInSource = (file: string, text: string, more: object = {}) =>
      set('setBreakpoints', { source: source(file), breakpoints: [{ line: lineOf(file, text), ...more }] });
    async function step(command: string, args: object = {}): Promise<Stopped> {
      await client.request(command, { threadId: 1, ...args });
      return client.event<Stopped>('stopped');
    }
    async function frames(): Promise<Frame[]> {
      return (await client.request<{ stackFrames: Frame[] }>('stackTrace', { threadId: 1 })).stackFrames;
    }
    /** Where the innermost frame is: the function, the file and its line's text. */
    async function place(): Promise<[string, string]> {
      const [top] = await frames();
      const text = readFileSync(top!.source!.path, 'utf8').split('\n')[top!.line - 1]!;
      return [top!.name.split(/[+ ]/)[0]!, text.trim()];
    }
    const evaluate = async (expression: string): Promise<string> =>
      (await client.request<{ result: string }>('evaluate', { expression })).result;

    it('stops at a line, steps over, into and out of it', async () => {
      const [breakpoint] = await breakInSource('main.c', 'describe_memory(info);');
      assert.ok(breakpoint!.verified);
      const stopped = await step('continue');
      assert.deepEqual([stopped.reason, stopped.hitBreakpointIds], ['breakpoint', [breakpoint!.id]]);
      assert.deepEqual(await place(), ['kmain', 'describe_memory(info);']);
      assert.equal((await step('next')).reason, 'step');
      assert.deepEqual(await place(), ['kmain', 'protect_kernel();']);
      await step('stepIn');
      const [inner, outer] = await frames();
      assert.match(inner!.name, /^protect_kernel/);
      assert.match(outer!.name, /^kmain/);
      assert.equal(outer!.line, lineOf('main.c', 'protect_kernel();'));
      await step('next');
      assert.match((await frames())[0]!.name, /^protect_kernel/);
      await step('stepOut');
      assert.match((await frames())[0]!.name, /^kmain/);
      await step('next');
      assert.match((await place())[1], /start_timer|while/);
    });

    it('steps into one of the calls of a line', async () => {
      await breakInSource('paging.c', 'check(attempt(write_to_code)');
      await step('continue');
      const [top] = await frames();
      const targets = async () =>
        (await client.request<{ targets: { id: number; label: string }[] }>('stepInTargets', { frameId: top!.id }))
          .targets;
      const labels = (await targets()).map(({ label }) => label);
      assert.deepEqual(labels, ['attempt', 'check']);
      await step('stepIn', { targetId: (await targets())[1]!.id });
      const [inner, outer] = await frames();
      assert.match(inner!.name, /^check /);
      assert.equal(outer!.line, top!.line);
      await assert.rejects(client.request('stepIn', { threadId: 1, targetId: 99 }), /stepInTargets/);
    });

    it('steps past interrupts, or into them', async () => {
      await breakInSource('main.c', 'while (ticks <');
      await step('continue');
      await set('setBreakpoints', { source: source('main.c'), breakpoints: [] });
      const seen = async (): Promise<ReadonlySet<string>> => {
        const names = new Set<string>();
        for (let steps = 0; steps < 12; steps++) {
          await step('stepIn', { granularity: 'instruction' });
          names.add((await frames())[0]!.name.split(/[+ ]/)[0]!);
        }
        return names;
      };
      assert.deepEqual([...(await seen())], ['kmain']);
      const { skipInterrupts } = await client.request<{ skipInterrupts: boolean }>('vmxray/stepping', {
        skipInterrupts: false,
      });
      assert.equal(skipInterrupts, false);
      assert.ok((await seen()).size > 1);
    });

    it('finds functions by a regular expression and in one program', async () => {
      const breakpoints = await set('setFunctionBreakpoints', {
        breakpoints: ['/^(start|stop)_timer$/', 'tour!kmain', 'other!kmain', '/(a+)+b/', '/[/'].map((name) => ({
          name,
        })),
      });
      assert.deepEqual(
        breakpoints.map(({ verified }) => verified),
        [true, true, false, false, false],
      );
      assert.match(breakpoints[3]!.message!, /repetitions/);
      const seen: string[] = [];
      for (let stops = 0; stops < 3; stops++) {
        await step('continue');
        seen.push((await place())[0]);
      }
      assert.deepEqual(seen, ['kmain', 'start_timer', 'stop_timer']);
    });

    it('moves a breakpoint down to code, and says where there is none', async () => {
      const breakpoints = await set('setBreakpoints', {
        source: source('main.c'),
        breakpoints: [{ line: 1 }, { line: 9999 }],
      });
      assert.deepEqual(
        breakpoints.map(({ verified, line }) => [verified, line]),
        [
          [true, lineOf('main.c', 'void kmain')],
          [false, undefined],
        ],
      );
      const [unknown] = await set('setBreakpoints', {
        source: { path: '/elsewhere/nothing.c' },
        breakpoints: [{ line: 1 }],
      });
      assert.match(unknown!.message!, /nothing\.c/);
      const { breakpoints: lines } = await client.request<{ breakpoints: { line: number }[] }>('breakpointLocations', {
        source: source('main.c'),
        line: 1,
        endLine: 1000,
      });
      assert.ok(lines.some(({ line }) => line === lineOf('main.c', 'start_timer();')));
    });

    it('conditions, hit counts and log points decide in the machine', async () => {
      await set('setFunctionBreakpoints', {
        breakpoints: [
          { name: 'timer_interrupt', condition: 'ticks == 3' },
          { name: 'fibonacci', hitCondition: '5' },
        ],
      });
      await breakInSource('main.c', 'start_timer();', { logMessage: 'ticks are {ticks}, rip {$rip:x}' });
      assert.equal((await step('continue')).reason, 'function breakpoint');
      assert.match((await frames())[0]!.name, /^timer_interrupt/);
      assert.equal(await evaluate('ticks'), '3');
      assert.match(client.output('console'), /ticks are 0, rip (0x)?101b/);
      assert.equal((await step('continue')).reason, 'function breakpoint');
      assert.equal(await evaluate('fibonacci_calls'), '4');
      const names = (await frames()).map(({ name }) => name.split(/[+ ]/)[0]);
      assert.deepEqual(names.slice(0, 2), ['fibonacci', 'fibonacci']);
      assert.ok(names.includes('user_main'), names.join());
    });

    it('conditions name parameters, locals and members', async () => {
      await set('setFunctionBreakpoints', {
        breakpoints: [{ name: 'timer_interrupt', condition: 'frame->vector == 0x40 && ticks == 2' }],
      });
      await step('continue');
      assert.equal(await evaluate('ticks'), '2');
      const [top] = await frames();
      const { result } = await client.request<{ result: string }>('evaluate', {
        expression: 'frame->vector',
        frameId: top!.id,
      });
      assert.match(result, /^64\b/);
    });

    it('a data breakpoint finds who broke the guard', async () => {
      const info = await client.request<{ dataId: string; accessTypes: string[] }>('dataBreakpointInfo', {
        name: 'guard',
        frameId: 1000,
      });
      assert.deepEqual(info.accessTypes, ['write', 'read', 'readWrite']);
      await set('setDataBreakpoints', { breakpoints: [{ dataId: info.dataId, accessType: 'write' }] });
      const stopped = await step('continue');
      assert.equal(stopped.reason, 'data breakpoint');
      assert.match((await frames())[0]!.name, /^timer_interrupt/);
      await set('setDataBreakpoints', { breakpoints: [] });
      await client.request('continue', { threadId: 1 });
      assert.deepEqual(await client.event('exited'), { exitCode: 0 });
      assert.match(client.output('console'), /powered off/);
    });

    it('names what instructions call', async () => {
      await breakInSource('main.c', 'describe_memory(info);');
      await step('continue');
      const [top] = await frames();
      const { instructions } = await client.request<{ instructions: { instruction: string }[] }>('disassemble', {
        memoryReference: top!.instructionPointerReference,
        instructionCount: 8,
        resolveSymbols: true,
      });
      const texts = instructions.map(({ instruction }) => instruction);
      assert.ok(
        texts.some((text) => /^call 0x[0-9a-f]+ <describe_memory>$/.test(text)),
        texts.join('\n'),
      );
    });

    it('edits registers, flags, memory and the place to go on at', async () => {
      await breakInSource('main.c', 'start_timer();');
      await step('continue');
      const { scopes } = await client.request<{ scopes: { name: string; variablesReference: number }[] }>('scopes', {
        frameId: (await frames())[0]!.id,
      });
      const scope = (name: string) => scopes.find((one) => one.name === name)!;
      await client.request('setVariable', { ...scope('General'), name: 'R15', value: '0x1234 * 2' });
      assert.equal(await evaluate('$r15d'), '9320 (0x2468)');
      await client.request('setExpression', { expression: '*(u16*)&ticks', value: '$r15' });
      assert.equal(await evaluate('ticks'), '9320 (0x2468)');
      if (door.checksEdits) {
        const refused = client.request('setVariable', { ...scope('Control'), name: 'CR0', value: '0' });
        await assert.rejects(refused, /CR0|PE|paging/i);
      }
      const { targets } = await client.request<{ targets: { id: number; label: string }[] }>('gotoTargets', {
        source: source('main.c'),
        line: lineOf('main.c', 'report();'),
      });
      await client.request('goto', { threadId: 1, targetId: targets[0]!.id });
      assert.equal((await client.event<Stopped>('stopped')).reason, 'goto');
      assert.deepEqual(await place(), ['kmain', 'report();']);
      await client.request('continue', { threadId: 1 });
      await client.event('exited');
    });

    it('names its program and sources, completes, and answers commands', async () => {
      const { modules } = await client.request<{ modules: { name: string; addressRange: string }[] }>('modules', {});
      assert.deepEqual([modules[0]!.name, modules[0]!.addressRange.startsWith('0x100000-')], ['tour.elf', true]);
      const { sources } = await client.request<{ sources: { path: string }[] }>('loadedSources');
      assert.ok(
        sources.some(({ path }) => path === resolve(TOUR, 'main.c')),
        JSON.stringify(sources),
      );
      const { content } = await client.request<{ content: string }>('source', {
        source: source('main.c'),
        sourceReference: 0,
      });
      assert.match(content, /void kmain/);
      const { targets } = await client.request<{ targets: { label: string }[] }>('completions', {
        text: 'p fibo',
        column: 7,
      });
      assert.ok(targets.some(({ label }) => label === 'fibonacci_calls'));
      const repl = async (expression: string): Promise<string> =>
        (await client.request<{ result: string }>('evaluate', { expression, context: 'repl' })).result;
      assert.match(await repl('help'), /walk/);
      assert.match(await repl('regs'), /RIP/);
      assert.match(await repl('walk kmain'), /physical/);
    });

    if (door.hasEvents)
      it('stops at exceptions and exits that a condition wants', async () => {
        const filters = await set('setExceptionBreakpoints', {
          filters: [],
          filterOptions: [
            { filterId: 'exception', condition: 'vector in (13, 14)' },
            { filterId: 'exit', condition: 'reason == CPUID' },
            { filterId: 'exit', condition: 'nonsense ==' },
          ],
        });
        assert.deepEqual(
          filters.map(({ verified }) => verified),
          [true, true, false],
        );
        const seen: string[] = [];
        for (let count = 0; count < 30 && !seen.includes('exception'); count++) {
          const { reason } = await step('continue');
          seen.push(reason);
          if (reason === 'exception') break;
        }
        assert.equal(seen[0], 'vm exit');
        assert.equal(seen.at(-1), 'exception');
        const info = await client.request<{ exceptionId: string; description: string }>('exceptionInfo', {
          threadId: 1,
        });
        assert.match(info.exceptionId, /^#PF Page Fault/);
        assert.match(info.description, /error code 0x/);
        assert.match((await frames())[0]!.name, /^write_to_code/);
      });

    if (door.canRestart)
      it('restarts the guest, breakpoints and all', async () => {
        await breakInSource('main.c', 'describe_processor();');
        await step('continue');
        await client.request('restart', {});
        assert.equal((await client.event<Stopped>('stopped')).reason, 'entry');
        assert.equal((await step('continue')).reason, 'breakpoint');
        assert.deepEqual(await place(), ['kmain', 'describe_processor();']);
      });
  });
}
