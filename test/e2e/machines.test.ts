// A machine's whole life in a window as its user has it: Linux from a template, typed to in its terminal, looked at,
// kept, compared, gone back, cloned, deleted; and what a reload of the window, a death and a second window do to it.
// What is shown is compared with what the machine itself says over a connection of the test's own.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attachHosted } from '../../src/targets/host/launch';
import type { HostedMachine } from '../../src/targets/host/hosted-machine';
import type { Locator } from 'playwright-core';
import type { Stop } from '../../src/targets/target';
import { lab, requireLab } from '../support/lab/lab';
import { Workbench } from './workbench-screen';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const VCPU = 1;
const PROMPT = /READY\s*[\s\S]*#/;
const BOOT_MS = 240_000;
/** Lines that the guest prints while the window is reloaded. */
const LINES = 60;

const INIT = `#!/bin/sh
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
echo "SHELL READY"
exec setsid sh -c 'exec sh -i </dev/ttyS0 >/dev/ttyS0 2>&1'
`;

describe('a machine in a window', function () {
  this.timeout(400_000);
  let bench: Workbench;
  let machine: HostedMachine | undefined;
  let snapshotAt = 0;

  before(async function () {
    const kernel = requireLab(this, await lab.kernel());
    const initrd = requireLab(this, await lab.initrd(INIT));
    bench = await Workbench.open(this, (folder) => {
      copyFileSync(kernel.image, join(folder, 'vmlinuz'));
      symlinkSync(initrd, join(folder, 'initrd.gz'));
    });
  });
  beforeEach(function () {
    bench.screen.before(this);
  });
  afterEach(function () {
    return bench.screen.after(this);
  });
  after(async () => {
    await machine?.leave();
    for (let left = await another(); left; left = await another()) await left.dispose();
    await bench?.close();
  });

  const another = (name?: string): Promise<HostedMachine | undefined> =>
    attachHosted(name, version, 'the test').catch(() => undefined);
  /** A connection of the test's own, once the machine's process is another one than that. */
  const attach = async (name: string, before?: string): Promise<HostedMachine> => {
    for (const deadline = Date.now() + 30_000; ; await sleep(100)) {
      const found = await another(name);
      if (found && found.entry.id !== before) return found;
      await found?.leave();
      assert.ok(Date.now() < deadline, `${name} is not there`);
    }
  };
  const until = async (what: () => Promise<boolean>, why: string): Promise<void> => {
    for (const deadline = Date.now() + 30_000; !(await what()); await sleep(100)) assert.ok(Date.now() < deadline, why);
  };
  const stopOf = async <R extends Stop['reason']>(reason: R): Promise<Extract<Stop, { reason: R }>> => {
    let stop: Stop | undefined;
    await until(async () => {
      ({ stop } = await machine!.state());
      return stop?.reason === reason;
    }, `no ${reason}`);
    return stop as Extract<Stop, { reason: R }>;
  };
  /** Types a line into the terminal. */
  const type = (line: string, seen: Locator): Promise<void> =>
    bench.screen.until(seen, async () => {
      const terminal = bench.window.locator('.terminal-wrapper .xterm-screen').last();
      if (!(await terminal.isVisible())) await bench.screen.run('Terminal: Focus Terminal');
      await terminal.click();
      await bench.screen.sees(bench.window.locator('.terminal-wrapper .xterm.focus'));
      // What a shell that was not ready has kept of an earlier try goes.
      await bench.window.keyboard.press('Control+u');
      await bench.window.keyboard.type(line, { delay: 20 });
      await bench.window.keyboard.press('Enter');
    });
  /** The process of the extension host, as the machine knows it. */
  const extensionHost = async (of: HostedMachine): Promise<string | undefined> =>
    (await of.clients()).flatMap(({ who }) => /VS Code window, process (\d+)/.exec(who)?.[1] ?? [])[0];

  it('creates Linux from a template', async () => {
    const { screen, workspace } = bench;
    await bench.showTree();
    await screen.sees(screen.page.getByText(/No machine yet/));
    await screen.run('VMXray: Create Machine...');
    await screen.pick('Linux kernel');
    await screen.pick('workspace');
    await bench.chooseFile('Which bzImage?', join(workspace, 'vmlinuz'));
    await screen.pick('Choose a file...');
    await bench.chooseFile('Which initial RAM disk?', join(workspace, 'initrd.gz'));
    await screen.pick('256M');
    await bench.answer('Shell');
    await screen.sees(bench.tree(/Shell.*stopped/));
    assert.deepEqual(JSON.parse(readFileSync(join(workspace, 'Shell.vmxray.json'), 'utf8')), {
      kernel: 'vmlinuz',
      initrd: 'initrd.gz',
      cmdline: 'console=ttyS0',
      memory: '256M',
    });
  });

  it('runs it, and types in its terminal', async () => {
    const { screen } = bench;
    await bench.press(/Shell/, 'Start', bench.tree(/Shell.*running/));
    await bench.fromMenu(bench.tree(/Shell.*running/), 'Open Serial Terminal');
    await screen.sees(screen.terminal(PROMPT), BOOT_MS);
    await type('echo $((6 * 7)) is the answer', screen.terminal(/42 is the answer\s*\/ #\s*$/));
    await screen.picture('machine-terminal');
    machine = await attach('Shell');
  });

  it('pauses it, and shows its devices as they are', async () => {
    const { screen } = bench;
    await bench.press(/Shell.*running/, 'Pause', bench.tree(/Shell.*paused/));
    assert.equal((await machine!.state()).running, false);
    await bench.press(
      /Shell.*paused/,
      'Attach Debugger',
      screen.page.locator('.debug-toolbar .codicon-debug-continue'),
    );
    await screen.run('View: Hide Panel');
    await bench.openPage('VMXray: Show Devices', '[data-device]');
    const { devices } = await machine!.devices();
    assert.equal(await bench.page().locator('[data-device]').count(), devices.length);
    for (const { name, registers } of devices) {
      const values = bench.page().locator(`[data-device="${name}"] tr[data-register] td:nth-child(2) code`);
      assert.deepEqual(
        await values.allTextContents(),
        registers.map(({ value }) => value),
        name,
      );
    }
    assert.deepEqual(await bench.faultsInThemes('devices'), []);
  });

  it('writes a device register, and shows the exits that touched the device', async () => {
    const { screen } = bench;
    const page = bench.page();
    const scratch = async (): Promise<string | undefined> =>
      (await machine!.devices()).devices
        .find(({ name }) => name === 'uart0')
        ?.registers.find(({ name }) => name === 'SCR')?.value;
    await page.getByLabel(/: write SCR$/).click();
    await page.getByLabel('New value of SCR').fill('0x42 + 1');
    await screen.page.keyboard.press('Enter');
    await until(async () => (await scratch()) === '0x43', 'it was not written');
    await screen.sees(page.locator('[data-device="uart0"] [data-register="SCR"] code').getByText('0x43'));
    await screen.picture('device-edited');
    await page.locator('[data-device="uart0"]').getByRole('button', { name: 'VM Exits' }).click();
    await screen.sees(bench.page().locator('table.exits tbody tr').first());
    const reasons = ['IO_INSTRUCTION', 'EPT_VIOLATION', 'EPT_MISCONFIGURATION'];
    const { exits } = await machine!.exits({ count: 10_000, reasons });
    const touched = exits.filter(({ qualificationFields: { port = 0 } }) => port >= 0x3f8 && port <= 0x3ff);
    const rows = bench.page().locator('table.exits tbody tr');
    const numbers = touched.slice(-200).map(({ number }) => number);
    // A page that has just been opened shows all exits first.
    const shown = (): Promise<(string | null)[]> =>
      rows.evaluateAll((all) => all.map((row) => row.getAttribute('data-exit')));
    await until(async () => (await shown()).length === numbers.length, 'the filter has no effect');
    assert.deepEqual(await shown(), numbers.reverse());
    await screen.picture('device-exits');
    assert.deepEqual(await bench.faultsInThemes('exits'), []);
  });

  it('walks an address of the shell, and stops when its page-table entry changes', async () => {
    const { screen } = bench;
    const { ranges } = await machine!.mappings(VCPU, { space: 'linear', count: 10_000 });
    const stack = ranges.filter(({ user, write }) => user && write).at(-1)!;
    await bench.openPage('VMXray: Show Address Explorer', 'table.walk .entry');
    await bench.page().getByLabel('Address or expression').fill(stack.start);
    await bench.page().getByRole('button', { name: 'Walk', exact: true }).click();
    const walk = await machine!.walk(VCPU, 'linear', BigInt(stack.start), 'read');
    // A kernel that keeps away from user memory (SMAP) would fault here: the page says so, and shows the entries.
    if (walk.fault) await screen.sees(bench.page().locator('.fault').getByText(walk.fault.text));
    else await screen.sees(bench.page().locator('.chain').getByText(walk.physical!, { exact: true }));
    for (const [index, { entryAddress, entryBytes, entry }] of walk.levels.entries()) {
      const bytes = await machine!.readMemory(VCPU, 'physical', BigInt(entryAddress!), entryBytes);
      const inMemory = `0x${Buffer.from(bytes).readBigUInt64LE().toString(16)}`;
      assert.equal(inMemory, entry);
      assert.equal(await bench.page().locator(`[data-level="${index}"] code`).textContent(), entry);
    }
    assert.deepEqual(await bench.faultsInThemes('address'), []);
    const pte = walk.levels.findIndex(({ table }) => table === 'PTE');
    await bench.page().locator(`[data-level="${pte}"]`).click();
    await bench.page().getByRole('button', { name: 'Break When This Entry Changes' }).click();
    await screen.sees(bench.page().getByText(/The guest stops when/));
    await screen.run('Debug: Continue');
    await screen.sees(bench.tree(/Shell.*running/).or(screen.state(/Running/i)));
    // A fork makes the stack's pages read-only, in both processes.
    await type('ls /', screen.page.locator('.debug-toolbar .codicon-debug-continue'));
    const stop = await stopOf('data breakpoint');
    assert.equal(stop.isWrite, true);
    await screen.run('View: Hide Panel');
    const now = await machine!.walk(VCPU, 'linear', BigInt(stack.start), 'read');
    const after = now.levels[pte]!.entry;
    assert.notEqual(after, walk.levels[pte]!.entry);
    // The guest's instruction that did it is shown in front.
    await bench.openPage('VMXray: Show Address Explorer', 'table.walk .entry');
    await screen.sees(bench.page().locator(`[data-level="${pte}"] code`).getByText(after, { exact: true }));
    await screen.picture('entry-changed');
  });

  it('edits memory', async () => {
    const { screen } = bench;
    const { rsp } = await machine!.position(VCPU);
    await bench.openPage('VMXray: Show Memory', 'table.hex td');
    await bench.page().getByLabel('Address or expression').fill('$rsp - 0x400');
    await bench.page().getByRole('button', { name: 'Go' }).click();
    const start = rsp - 0x400n - ((rsp - 0x400n) % 16n);
    const row = bench.page().getByRole('rowheader', { name: start.toString(16).padStart(16, '0') });
    await screen.sees(row);
    const shown = await bench.page().locator('table.hex td[role=gridcell]').allTextContents();
    assert.equal(shown.join(''), Buffer.from(await machine!.readMemory(VCPU, 'linear', start, 512)).toString('hex'));
    const byte = async (): Promise<number | undefined> => (await machine!.readMemory(VCPU, 'linear', start, 1))[0];
    const wanted = ((await byte())! ^ 0xff).toString(16).padStart(2, '0');
    await bench.page().locator('table.hex td[role=gridcell]').first().click();
    await screen.page.keyboard.type(wanted);
    await until(async () => (await byte())?.toString(16).padStart(2, '0') === wanted, 'it was not written');
    assert.deepEqual(await bench.faultsInThemes('memory'), []);
  });

  it('takes a snapshot, changes, and shows what differs', async () => {
    const { screen } = bench;
    await screen.run('Debug: Disconnect');
    await screen.gone(screen.page.locator('.debug-toolbar'));
    await screen.run('View: Close All Editors');
    await bench.showTree();
    await bench.fromMenu(bench.tree(/Shell.*paused/), 'Take Snapshot...');
    snapshotAt = (await machine!.state()).instructions;
    await bench.answer('Before');
    await bench.unfold(/Shell.*paused/, 'Snapshots');
    await bench.unfold('Snapshots', 'Before');
    await bench.press(/Shell.*paused/, 'Resume', bench.tree(/Shell.*running/));
    await type('echo chan""ged > /tmp/x; cat /tmp/x', screen.terminal(/changed/));
    await bench.press(/Shell.*running/, 'Pause', bench.tree(/Shell.*paused/));
    await bench.fromMenu(bench.tree('Before'), 'Compare with...');
    await screen.pick('The machine as it is');
    const { instructions } = await machine!.state();
    const editor = screen.page.locator('.monaco-diff-editor');
    const line = (side: string, text: string | RegExp): Locator =>
      editor.locator(`.${side} .view-line`).filter({ hasText: text });
    // Blanks are no-break spaces there.
    await screen.sees(line('original', new RegExp(`instructions.=.${snapshotAt}`)));
    await screen.sees(line('modified', new RegExp(`instructions.=.${instructions}`)));
    await screen.run('View: Hide Panel');
    await screen.sees(line('modified', /Registers:.General/));
    await screen.picture('snapshot-compare');
    await line('modified', 'Counters').first().click();
    await screen.page.keyboard.press('Control+End');
    await screen.sees(line('modified', /guest-physical.0x[0-9a-f]+-0x/));
  });

  it('goes back to it', async () => {
    const { screen } = bench;
    const before = machine!.entry.id;
    await machine!.leave();
    await bench.showTree();
    await bench.fromMenu(bench.tree('Before'), 'Go Back to Snapshot');
    await bench.confirm(/Go back to "Before"/, 'Go Back');
    machine = await attach('Shell', before);
    assert.equal((await machine.state()).instructions, snapshotAt);
    await screen.sees(bench.tree(/Shell.*paused/));
    await bench.press(/Shell.*paused/, 'Resume', bench.tree(/Shell.*running/));
    await screen.run('View: Close All Editors');
    await screen.run('Terminal: Kill All Terminals');
    await bench.fromMenu(bench.tree(/Shell.*running/), 'Open Serial Terminal');
    await type('cat /tmp/x; echo looked', screen.terminal(/No such file[\s\S]*looked/));
  });

  it('shows its page with values, events and details', async () => {
    const { screen } = bench;
    await bench.showTree();
    await bench.fromMenu(bench.tree(/Shell.*running/), 'Show Details');
    const page = bench.page();
    await screen.sees(page.getByRole('heading', { name: /^Shell/ }));
    await screen.run('View: Hide Panel');
    const named = (section: string, name: string): Promise<string | null> =>
      page
        .locator(`[data-section="${section}"] tr`)
        .filter({ has: page.locator('th').getByText(name, { exact: true }) })
        .locator('td')
        .textContent();
    assert.equal(await named('Machine', 'Process'), String(machine!.entry.pid));
    assert.equal(await named('Machine file', 'memory'), '256M');
    for (const name of ['Processor', 'Memory of its process', 'Instructions', 'VM exits'])
      await screen.sees(page.locator(`[data-metric="${name}"] svg`));
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await screen.sees(page.locator('.feed').getByText('Paused.'));
    await screen.sees(page.getByRole('button', { name: 'Resume', exact: true }));
    const { instructions } = await machine!.state();
    await screen.sees(page.locator('[data-section="Counters"]').getByText(instructions.toLocaleString('en')));
    await screen.picture('details');
    assert.deepEqual(await bench.faultsInThemes('details'), []);
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await screen.sees(bench.tree(/Shell.*running/));
    await screen.run('View: Close All Editors');
  });

  it('misses no line of a guest that prints while the window is reloaded', async () => {
    const { screen } = bench;
    await type(
      `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "line $i."; sleep 0.5; done`,
      screen.terminal(/line 3\./),
    );
    await screen.page.reload();
    await screen.sees(screen.terminal(/line \d+\./), 120_000);
    const reloaded = (await machine!.serialLog()).toString();
    assert.ok(!reloaded.includes(`line ${LINES}.`), 'the guest was done before the window was back');
    await screen.sees(screen.terminal(new RegExp(`line ${LINES}\\.`)), 120_000);
    await screen.run('View: Toggle Maximized Panel');
    await screen.page.locator('.terminal-wrapper .xterm-screen').last().click();
    const seen = new Map<string, number>();
    for (let pages = 0; pages < 20; pages++) {
      const rows = await screen.page.locator('.terminal-wrapper .xterm-rows > div').allTextContents();
      for (const [line] of rows.join('\n').matchAll(/line \d+\./g)) seen.set(line, (seen.get(line) ?? 0) + 1);
      if (seen.has('line 1.')) break;
      await screen.page.keyboard.press('Shift+PageUp');
      await sleep(300);
    }
    const all = Array.from({ length: LINES }, (_, index) => `line ${index + 1}.`);
    assert.deepEqual(
      all.filter((line) => !seen.has(line)),
      [],
    );
    await screen.run('View: Toggle Maximized Panel');
  });

  it('is seen by two windows: one debugs it, the other is told', async () => {
    const { screen } = bench;
    await bench.showTree();
    await bench.press(/Shell.*running/, 'Pause', bench.tree(/Shell.*paused/));
    const other = await bench.another();
    await other.showTree();
    await screen.sees(other.tree(/Shell.*paused/));
    await bench.press(
      /Shell.*paused/,
      'Attach Debugger',
      screen.page.locator('.debug-toolbar .codicon-debug-continue'),
    );
    await other.press(/Shell.*paused/, 'Attach Debugger', other.screen.dialog(/is being debugged already/));
    await other.confirm(/is being debugged already/, 'Cancel');
    assert.equal(await other.window.locator('.debug-toolbar').count(), 0);
    await screen.run('Debug: Continue');
    await screen.sees(other.tree(/Shell.*running/));
    await screen.run('Debug: Disconnect');
    await screen.gone(screen.page.locator('.debug-toolbar'));
    await screen.sees(bench.tree(/Shell.*running/));
    await other.window.close();
  });

  it('clones it', async () => {
    await bench.showTree();
    await bench.fromMenu(bench.tree(/Shell.*running/), 'Clone...');
    await bench.answer('Twin');
    await bench.screen.sees(bench.tree(/Twin.*stopped/));
    const read = (name: string): unknown =>
      JSON.parse(readFileSync(join(bench.workspace, `${name}.vmxray.json`), 'utf8'));
    assert.deepEqual(read('Twin'), read('Shell'));
  });

  it('shows a machine whose process was killed as crashed, with its snapshot; the others run on', async () => {
    const { screen } = bench;
    await bench.press(/Twin/, 'Start', bench.tree(/Twin.*running/));
    const twin = await attach('Twin');
    const host = await extensionHost(machine!);
    assert.ok(host);
    const before = (await twin.state()).instructions;
    process.kill(machine!.entry.pid, 'SIGKILL');
    await screen.sees(bench.tree(/Shell.*crashed/));
    await bench.unfold(/Shell.*crashed/, 'Snapshots');
    await bench.unfold('Snapshots', 'Before');
    await screen.picture('machine-crashed');
    assert.equal(await extensionHost(twin), host);
    const { running, instructions } = await twin.state();
    assert.equal(running, true);
    assert.ok(instructions > before);
    await twin.leave();
    machine = undefined;
  });

  it('deletes the clone', async () => {
    await bench.fromMenu(bench.tree(/Twin.*running/), 'Kill');
    await bench.confirm(/Kill Twin/, 'Kill');
    await bench.screen.sees(bench.tree(/Twin.*stopped/));
    await bench.fromMenu(bench.tree(/Twin.*stopped/), 'Delete Machine');
    await bench.confirm(/Delete Twin/, 'Delete');
    await bench.screen.gone(bench.tree('Twin'));
    assert.equal(existsSync(join(bench.workspace, 'Twin.vmxray.json')), false);
  });

  for (const [how, start] of [
    [
      'F5',
      async () => {
        await bench.screen.press('F5', bench.screen.row('VMXray'));
        await bench.screen.pick('VMXray');
      },
    ],
    [
      'a right-click',
      async () => {
        await bench.screen.run('View: Show Explorer');
        const file = bench.window.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: 'vmlinuz' });
        await bench.screen.sees(file);
        await bench.fromMenu(file, 'Debug with VMXray');
      },
    ],
  ] as const)
    it(`debugs the same guest by ${how}`, async () => {
      const { screen } = bench;
      await screen.run('Terminal: Kill All Terminals');
      await start();
      await screen.sees(screen.terminal(PROMPT), BOOT_MS);
      await screen.run('Debug: Pause');
      await screen.sees(screen.page.locator('.debug-toolbar .codicon-debug-continue'));
      await screen.sees(screen.page.locator('.statusbar-item').filter({ hasText: /64-bit, ring 0 .* paused/ }));
      await screen.run('Debug: Stop');
      await screen.gone(screen.page.locator('.debug-toolbar'));
    });
});
