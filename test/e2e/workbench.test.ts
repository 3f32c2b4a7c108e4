// The workbench in a window as its user has it: a machine from a template, run, paused, looked at in the pages, kept as a
// snapshot. What the pages show is compared with what the machine itself says over a connection of the test's own.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import axe, { type AxeResults } from 'axe-core';
import type { FrameLocator, Locator } from 'playwright-core';
import type { Hex } from '../../src/protocol/address';
import { attachHosted } from '../../src/targets/host/launch';
import type { HostedMachine } from '../../src/targets/host/hosted-machine';
import type { Stop } from '../../src/targets/target';
import { Screen } from './screen';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const VCPU = 1;
/** Milliseconds between a stop and the page's rows, on a computer that has much else to do; 200 is what is wanted of a free one. */
const LATEST_MS = 1500;
/** Where machines are listed and kept: another's must not be met. */
const PLACES = ['XDG_RUNTIME_DIR', 'XDG_DATA_HOME', 'TMPDIR'] as const;

/** When the exits page shows another exit than now. Runs in the page. */
const newRowAt = (body: HTMLElement | SVGElement): Promise<number> =>
  new Promise((resolve) => {
    const newest = (): string | null | undefined => body.querySelector('[data-exit]')?.getAttribute('data-exit');
    const before = newest();
    new MutationObserver((_changes, observer) => {
      if (newest() === undefined || newest() === before) return;
      observer.disconnect();
      resolve(Date.now());
    }).observe(body, { childList: true, subtree: true });
  });

/** Themes besides the dark one, and what the pages' bodies are marked with in them. */
const THEMES = [
  ['Light Modern', 'vscode-light'],
  ['Dark High Contrast', 'vscode-high-contrast'],
] as const;

/** Runs axe in the page. */
const serious = async (_body: HTMLElement | SVGElement, source: string): Promise<string[]> => {
  const found = await (new Function(`${source}; return axe.run(document)`)() as Promise<AxeResults>);
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
};

/** The row of the memory page that an address is in. */
const hex16 = (address: bigint): string => (address - (address % 16n)).toString(16).padStart(16, '0');

describe('the workbench in a window', function () {
  this.timeout(300_000);
  const usual = PLACES.map((name) => [name, process.env[name]] as const);
  let home: string;
  let screen: Screen;
  let workspace: string;
  let machine: HostedMachine | undefined;

  before(async function () {
    home = mkdtempSync(join(tmpdir(), 'vmxray-e2e-'));
    for (const name of PLACES) mkdirSync((process.env[name] = join(home, name)), { mode: 0o700 });
    screen = await Screen.open(this, false, (folder) => {
      workspace = folder;
      writeFileSync(join(folder, 'Broken.vmxray.json'), '{ "kernel": "nothing.elf", "memory": "9G" }\n');
    });
  });
  beforeEach(function () {
    screen.before(this);
  });
  afterEach(function () {
    return screen.after(this);
  });
  after(async () => {
    await machine?.dispose();
    await screen?.close();
    for (const [name, value] of usual) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });

  const tree = (text: string | RegExp): Locator =>
    screen.page.locator('.part.sidebar .pane-body .monaco-list-row').filter({ hasText: text }).first();
  const showTree = (): Promise<void> => {
    const icon = (state: string): Locator =>
      screen.page.locator(`.activitybar .action-item${state} [aria-label^="VMXray"]`).first();
    return screen.until(icon('.checked'), () => icon('').click());
  };
  const menuItem = (name: string): Locator => screen.page.getByRole('menuitem', { name, exact: true });
  const fromMenu = async (row: Locator, name: string): Promise<void> => {
    await screen.until(menuItem(name), async () => {
      // A menu that came before the row was ready has other items.
      if (await screen.page.locator('.monaco-menu-container').isVisible()) await screen.page.keyboard.press('Escape');
      await row.click({ button: 'right' });
    });
    // A menu takes no click in its first moments.
    await menuItem(name).hover();
    await sleep(500);
    await menuItem(name).click();
  };
  const answer = async (text: string): Promise<void> => {
    const input = screen.page.locator('.quick-input-widget .input');
    await screen.sees(input);
    await input.fill(text);
    await screen.page.keyboard.press('Enter');
    await screen.gone(input);
  };
  /** Steps to the next exit of a reason, or of another one than last time: the quick pick still has that one marked. */
  const stepTo = async (...reasons: readonly string[]): Promise<void> => {
    await screen.run('VMXray: Step to VM Exit of Reason...');
    for (const reason of reasons) {
      await screen.page.locator('.quick-input-widget .input').fill(reason);
      await screen.row(reason).click();
    }
    await screen.page.keyboard.press('Enter');
    await screen.gone(screen.page.locator('.quick-input-widget .input'));
  };
  /** The page that is shown. */
  const page = (): FrameLocator =>
    screen.page.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
  const openPage = async (command: string, part: string): Promise<void> => {
    await screen.run(command);
    await screen.sees(page().locator(part));
  };
  /** What axe finds wrong with the page that is shown, the serious and the critical. */
  const faults = async (): Promise<readonly string[]> => {
    const found = await page().locator('body').evaluate(serious, axe.source);
    return found.map((fault) => fault.slice(0, 500));
  };
  /** The machine's stop, once it is of this kind. */
  const stopOf = async <R extends Stop['reason']>(reason: R): Promise<Extract<Stop, { reason: R }>> => {
    for (const deadline = Date.now() + 20_000; ; await sleep(50)) {
      const { stop } = await machine!.state();
      if (stop?.reason === reason) return stop as Extract<Stop, { reason: R }>;
      assert.ok(Date.now() < deadline, `${stop?.reason}`);
    }
  };
  const bytesAt = async (space: 'linear' | 'physical', address: Hex, length: number): Promise<Buffer> =>
    Buffer.from(await machine!.readMemory(VCPU, space, BigInt(address), length));

  it('says what is wrong with a machine file, and how to begin where there is no machine', async () => {
    await showTree();
    await screen.sees(tree(/Broken.*mistake in its file/), 60_000);
    await fromMenu(tree('Broken'), 'Edit Machine File');
    await screen.sees(screen.page.locator('.squiggly-error'));
    await screen.run('Problems: Focus on Problems View');
    await screen.sees(screen.page.getByText('The file nothing.elf does not exist: check the path.'));
    await screen.sees(screen.page.getByText('The memory must be from 2M to 3G'));
    await screen.picture('machine-file');
    await screen.run('View: Hide Panel');
    await screen.run('View: Close All Editors');
    rmSync(join(workspace, 'Broken.vmxray.json'));
    await screen.sees(screen.page.getByText(/No machine yet/), 60_000);
    await screen.picture('workbench-welcome');
  });

  it('creates a machine from a template', async () => {
    await screen.run('VMXray: Create Machine...');
    await screen.pick('Sample: the tour guest');
    await screen.pick('workspace');
    await screen.pick('64M');
    await answer('Tour');
    await screen.sees(tree(/Tour.*stopped/));
  });

  it('starts it with the debugger, which stops before its first instruction', async () => {
    await screen.until(tree(/Tour.*paused at reset/), async () => {
      await tree('Tour').hover();
      const start = tree('Tour').getByLabel('Start with Debugger');
      if (await start.isVisible()) await start.click();
    });
    await screen.sees(screen.paused, 60_000);
    machine = await attachHosted('Tour', version, 'the test');
    assert.equal((await machine.state()).instructions, 0);
    await stepTo('CPUID');
    await screen.run('View: Hide Panel');
    await screen.sees(tree(/Tour.*paused ·/));
    await screen.sees(
      screen.page.locator('.statusbar-item').filter({ hasText: /64-bit, ring 0 · .* instructions · paused/ }),
    );
    const { stop } = await machine.state();
    assert.equal(stop?.reason === 'vm exit' && stop.exit.name, 'CPUID');
  });

  it('shows an address from linear to physical, with the entries that memory holds', async () => {
    await openPage('VMXray: Show Address Explorer', 'table.walk .entry');
    const { linear } = await machine!.position(VCPU);
    const walk = await machine!.walk(VCPU, 'linear', linear, 'read');
    await screen.sees(page().locator('.chain').getByText(walk.physical!, { exact: true }));
    const shown = await page().locator('table.walk .entry code').allTextContents();
    assert.equal(shown.length, walk.levels.length);
    for (const [index, { entryAddress, entryBytes, entry }] of walk.levels.entries()) {
      const text = await page().locator(`[data-level="${index}"] code`).textContent();
      const bytes = await bytesAt('physical', entryAddress!, entryBytes);
      assert.equal(text, `0x${bytes.readBigUInt64LE().toString(16)}`);
      assert.equal(text, entry);
    }
    await page().locator('[data-level]').last().click();
    await screen.sees(page().locator('.details').getByText('memory type'));
    await screen.picture('address-explorer');
    assert.deepEqual(await faults(), []);
    // A stop at a write to an entry of the guest's.
    const table = walk.levels.findIndex(({ table }) => table === 'PML4E');
    await page().locator(`[data-level="${table}"]`).click();
    await page().getByRole('button', { name: 'Break When This Entry Changes' }).click();
    await screen.sees(page().getByText('The guest stops when it writes this entry, at linear 0x'));
    const said = await page().locator('.details [role=status]').textContent();
    const watched = BigInt(/0x[0-9a-f]+/.exec(said!)![0]);
    await screen.run('Debug: Continue');
    await screen.sees(tree(/Tour.*paused ·/));
    const stop = await stopOf('data breakpoint');
    assert.deepEqual([stop.linear, stop.length, stop.isWrite], [watched, 8, true]);
    await page().getByRole('tab', { name: 'Memory Map' }).click();
    const { regions } = await machine!.memoryMap();
    await screen.sees(page().locator('table.ranges').getByText(regions[0]!.start, { exact: true }));
    assert.equal(await page().locator('[aria-label="Guest-physical memory"] tbody tr').count(), regions.length);
  });

  it('shows memory, and edits it', async () => {
    await openPage('VMXray: Show Memory', 'table.hex td');
    // Where nothing lies yet that the guest would miss.
    await page().getByLabel('Address or expression').fill('$rsp - 0x800');
    await page().getByRole('button', { name: 'Go' }).click();
    await screen.sees(page().getByRole('rowheader', { name: hex16((await machine!.position(VCPU)).rsp - 0x800n) }));
    const cell = (index: number): Locator => page().locator('table.hex td[role=gridcell]').nth(index);
    const start = `0x${await page().locator('table.hex tbody th').first().textContent()}` as Hex;
    const bytes = await bytesAt('linear', start, 512);
    const shown = await page().locator('table.hex td[role=gridcell]').allTextContents();
    assert.equal(shown.join(''), bytes.toString('hex'));
    await cell(5).click();
    await screen.page.keyboard.type('a7');
    for (const deadline = Date.now() + 5000; Date.now() < deadline;)
      if ((await bytesAt('linear', start, 6))[5] === 0xa7) break;
    assert.equal((await bytesAt('linear', start, 6))[5], 0xa7);
    await screen.picture('memory-page');
    assert.deepEqual(await faults(), []);
  });

  it('shows the devices, and marks what a stop has changed', async () => {
    await openPage('VMXray: Show Devices', '[data-device]');
    const { devices } = await machine!.devices();
    assert.equal(await page().locator('[data-device]').count(), devices.length);
    for (const { name, registers } of devices.slice(0, 6)) {
      const values = await page()
        .locator(`[data-device="${name}"] tr[data-register] td:nth-child(2) code`)
        .allTextContents();
      assert.deepEqual(
        values,
        registers.map(({ value }) => value),
      );
    }
    // By then the guest has set up its interrupt controllers and its timer.
    await stepTo('CPUID', 'HLT');
    await screen.sees(page().locator('tr.changed .was'));
    await page()
      .getByText(/^lapic/)
      .first()
      .click();
    await screen.picture('devices');
    await page().getByRole('tab', { name: 'Interrupts' }).click();
    await screen.sees(page().locator('.lines .way').first());
    await screen.picture('interrupts');
    assert.deepEqual(await faults(), []);
  });

  it('shows the exits with their totals', async () => {
    await openPage('VMXray: Show Exit Timeline', 'table.exits tbody tr');
    const { exits, totals } = await machine!.exits({ count: 200 });
    const newest = exits.at(-1)!;
    await screen.sees(page().locator(`tr[data-exit="${newest.number}"]`));
    for (const [name, number] of Object.entries(totals))
      assert.equal(
        await page().locator(`[data-reason="${name}"] .number`).textContent(),
        Number(number).toLocaleString('en'),
      );
    await screen.picture('exits-page');
    assert.deepEqual(await faults(), []);
    for (const [theme, kind] of THEMES) {
      await screen.run('Preferences: Color Theme');
      await answer(theme);
      await screen.sees(page().locator(`body.${kind}`));
      assert.deepEqual(await faults(), [], theme);
      await screen.picture(`exits-${kind}`);
    }
    let stopped = 0;
    machine!.onEvent(({ kind }) => (stopped = kind === 'stopped' ? Date.now() : stopped));
    const shown = page().locator('body').evaluate(newRowAt);
    await screen.run('VMXray: Step to VM Exit');
    const late = (await shown) - stopped;
    console.log(`      a stop is seen in the page after ${late} ms`);
    assert.ok(stopped > 0 && late < LATEST_MS, `${late} ms`);
  });

  it('keeps a snapshot, and goes back to it', async () => {
    await screen.run('Debug: Disconnect');
    await screen.gone(screen.page.locator('.debug-toolbar'));
    await showTree();
    await screen.sees(tree(/Tour.*paused/));
    const { instructions } = await machine!.state();
    const before = machine!.entry.id;
    await fromMenu(tree(/Tour.*paused/), 'Take Snapshot...');
    await answer('Before');
    await screen.until(tree('Snapshots'), () =>
      tree(/Tour.*paused/)
        .locator('.monaco-tl-twistie')
        .click(),
    );
    await screen.until(tree('Before'), () => tree('Snapshots').locator('.monaco-tl-twistie').click());
    await screen.picture('machines');
    await machine!.leave();
    await fromMenu(tree('Before'), 'Go Back to Snapshot');
    await screen
      .dialog(/Go back to "Before"/)
      .getByRole('button', { name: 'Go Back' })
      .click();
    await screen.gone(screen.dialog(/Go back/));
    for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
      machine = await attachHosted('Tour', version, 'the test').catch(() => undefined);
      if (machine && machine.entry.id !== before) break;
      await machine?.leave();
      await sleep(100);
    }
    assert.equal((await machine!.state()).instructions, instructions);
    await fromMenu(tree(/Tour.*paused/), 'Resume');
    await screen.sees(tree(/Tour.*(running|powered off|stopped)/));
  });

  it('debugs a kernel by a right-click on its file', async () => {
    await screen.run('View: Close All Editors');
    await screen.run('View: Show Explorer');
    const file = screen.page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: 'tour.elf' });
    await screen.sees(file);
    await fromMenu(file, 'Debug with VMXray');
    await screen.sees(screen.paused, 60_000);
    await screen.sees(screen.page.locator('.statusbar-item').filter({ hasText: /protected 32-bit, ring 0/ }));
    await screen.run('Debug: Stop');
    await screen.gone(screen.page.locator('.debug-toolbar'));
  });
});
