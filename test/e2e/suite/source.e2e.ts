// Debugging the tour guest at its sources, inside VS Code.
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { ask, endAll, evaluate, eventAfter, folder, type Frame, listen, place } from './guest';
import { register, registersShown, scope, stack, startToStop, stopAfter, top } from './guest';
import { screenshot } from './screenshot';

const GUARD = /0x600dc0de600dc0de\b/;
const CONTINUE = 'workbench.action.debug.continue';
const at = (location: vscode.Location): number => location.range.start.line + 1;

/** Breaks at a line, as F9 does. */
function breakAt(location: vscode.Location, condition?: string): void {
  vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(location, true, condition)]);
}

describe("a guest's sources", () => {
  before(listen);
  afterEach(endAll);

  const sourceOf = ({ source }: Frame): string => vscode.Uri.parse(source!.path).fsPath;
  const describeMemory = (): vscode.Location => place('tour/main.c', 'describe_memory(info);');

  it('F5 stops at a breakpoint in C, shows the stack, and steps by lines', async () => {
    breakAt(describeMemory());
    const stop = await startToStop('Tour to a breakpoint');
    assert.equal(stop.reason, 'breakpoint');
    const frame = await top();
    assert.match(frame.name, /^kmain\b/);
    assert.equal(sourceOf(frame), describeMemory().uri.fsPath);
    assert.equal(frame.line, at(describeMemory()));
    await registersShown();
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, describeMemory().uri.fsPath);

    assert.equal((await stopAfter('workbench.action.debug.stepInto')).reason, 'step');
    const inside = await stack();
    assert.match(inside[0]!.name, /^describe_memory\b/);
    assert.match(inside[1]!.name, /^kmain\b/);
    assert.equal(inside[1]!.line, at(describeMemory()));
    await stopAfter('workbench.action.debug.stepOut');
    assert.match((await top()).name, /^kmain\b/);
    const protect = place('tour/main.c', 'protect_kernel();');
    // A return may lead into the middle of its line.
    if ((await top()).line !== at(protect)) await stopAfter('workbench.action.debug.stepOver');
    assert.equal((await top()).line, at(protect));
  });

  it('shows registers, changes one, and reads memory and code', async () => {
    breakAt(describeMemory());
    await startToStop('Tour to a breakpoint');
    const { reference, variables } = await scope('General');
    const rip = BigInt((await top()).instructionPointerReference);
    assert.equal(BigInt(variables.find(({ name }) => name === 'RIP')!.value.split(' ')[0]!), rip);
    const set = await ask<{ value: string }>('setVariable', {
      variablesReference: reference,
      name: 'RBX',
      value: '0x1122334455667788',
    });
    assert.equal(BigInt(set.value), 0x1122334455667788n);
    assert.equal(await register('RBX'), 0x1122334455667788n);
    assert.equal(BigInt(await evaluate('$rbx')), 0x1122334455667788n);

    // VS Code's own door to memory, which its memory views use.
    const session = vscode.debug.activeDebugSession!;
    const uri = vscode.Uri.from({
      scheme: 'vscode-debug-memory',
      authority: session.id,
      path: `/${encodeURIComponent(`0x${rip.toString(16)}`)}/memory.bin`,
      query: 'range=0:16',
    });
    const bytes = await vscode.workspace.fs.readFile(uri);
    const { instructions } = await ask<{
      instructions: { address: string; instruction: string; instructionBytes: string }[];
    }>('disassemble', {
      memoryReference: `0x${rip.toString(16)}`,
      instructionOffset: -2,
      instructionCount: 6,
      resolveSymbols: true,
    });
    assert.equal(instructions.length, 6);
    assert.equal(BigInt(instructions[2]!.address), rip);
    const code = Buffer.from(instructions[2]!.instructionBytes.replaceAll(' ', ''), 'hex');
    assert.deepEqual(Buffer.from(bytes).subarray(0, code.length), code);
    await vscode.commands.executeCommand('debug.action.openDisassemblyView');
  });

  it('stops where a condition holds', async () => {
    breakAt(place('tour/timer.c', 'apic_write(APIC_EOI, 0);'), 'ticks == 3');
    const stop = await startToStop('Tour to a breakpoint');
    assert.equal(stop.reason, 'breakpoint');
    assert.equal(await evaluate('ticks'), '3');
    assert.match((await top()).name, /^timer_interrupt\b/);
    await screenshot('condition');
  });

  it('stops at a function', async () => {
    vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint('protect_kernel')]);
    const stop = await startToStop('Tour to a breakpoint');
    assert.equal(stop.reason, 'function breakpoint');
    assert.match((await top()).name, /^protect_kernel\b/);
  });

  it('finds who writes over a variable: the seeded bug', async () => {
    breakAt(place('tour/main.c', 'start_timer();'));
    await startToStop('Tour to a breakpoint');
    assert.match(await evaluate('guard'), GUARD);
    const { dataId } = await ask<{ dataId: string }>('dataBreakpointInfo', { name: 'guard' });
    await ask('setDataBreakpoints', { breakpoints: [{ dataId, accessType: 'write' }] });
    const stop = await stopAfter(CONTINUE);
    assert.equal(stop.reason, 'data breakpoint');
    const frame = await top();
    assert.match(frame.name, /^timer_interrupt\b/);
    // The stop comes after the write, which ends its line.
    assert.equal(frame.line, at(place('tour/timer.c', 'apic_write(APIC_EOI, 0);')));
    assert.doesNotMatch(await evaluate('guard'), GUARD);
    await registersShown();
    await screenshot('seeded-bug');
  });

  it('stops at exits that a condition lets through, and steps to the next one', async () => {
    await startToStop('Tour');
    const filterOptions = [{ filterId: 'exit', condition: 'reason == EPT_VIOLATION && gpa >= 0xfee00000' }];
    await ask('setExceptionBreakpoints', { filters: [], filterOptions });
    const stop = await stopAfter(CONTINUE);
    assert.match(String(stop.description), /EPT violation at guest-physical 0xfee00/);
    const { exit } = await ask<{ exit: { name: string; guestPhysical: string } }>('vmxray/exit', { threadId: 1 });
    assert.equal(exit.name, 'EPT violation');
    assert.ok(BigInt(exit.guestPhysical) >= 0xfee00000n);
    await registersShown();
    await screenshot('mmio-exit');
    const next = await eventAfter('stopped', () => vscode.commands.executeCommand('vmxray.stepToExit'));
    assert.equal(next.reason, 'vm exit');
    assert.equal(vscode.debug.activeDebugSession?.workspaceFolder?.uri.fsPath, folder().uri.fsPath);
  });
});
