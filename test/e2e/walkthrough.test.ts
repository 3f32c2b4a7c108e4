// The walkthrough from a fresh profile: each of its buttons is pressed, and does what its step says.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { Workbench } from './workbench-screen';

const TITLE = 'Look into a guest with VMXray';
const SAMPLE = 'vmxray-tour';

describe('the walkthrough', function () {
  this.timeout(400_000);
  let bench: Workbench;

  before(async function () {
    bench = await Workbench.open(this, (folder) => mkdirSync(join(folder, 'here')));
  });
  beforeEach(function () {
    bench.screen.before(this);
  });
  afterEach(function () {
    return bench.screen.after(this);
  });
  after(() => bench?.close());

  const steps = (): Locator => bench.window.locator('.getting-started-step');
  const open = async (): Promise<void> => {
    const { screen } = bench;
    await screen.until(steps().first(), async () => {
      await screen.run('Welcome: Open Walkthrough...');
      await screen.pick(TITLE);
    });
  };
  /** Unfolds a step and presses its button until what it does is seen. */
  const press = async (step: string, button: string, seen: Locator): Promise<void> => {
    const card = steps().filter({ hasText: step });
    const pressed = card.getByRole('button', { name: button, exact: true }).first();
    await bench.screen.until(seen, async () => {
      await open();
      if (!(await pressed.isVisible())) await card.first().click();
      await pressed.click({ timeout: 5000 }).catch(() => {});
      // What the button does may take a while: opening the walkthrough again would take it away.
      await seen.waitFor({ state: 'visible', timeout: 10_000 }).catch(() => {});
    });
  };

  it('opens the sample', async () => {
    await bench.showTree();
    await open();
    await bench.screen.picture('walkthrough');
    await press('Open the sample', 'Open Sample', bench.window.getByText('Where shall the folder'));
    await bench.chooseFile('Where shall the folder', `${join(bench.workspace, 'here')}/`);
    await bench.screen.sees(
      bench.window.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: 'tour.elf' }),
    );
    assert.ok(existsSync(join(bench.workspace, 'here', SAMPLE, 'tour.elf')));
  });

  it('starts it', async () => {
    const { screen } = bench;
    await press('Start it', 'Start Debugging', screen.page.locator('.debug-toolbar .codicon-debug-continue'));
    await screen.sees(screen.page.locator('.statusbar-item').filter({ hasText: /instructions · paused/ }));
    // What the stop shows comes in front.
    await screen.sees(screen.page.locator('.tab.active').filter({ hasText: 'boot.S' }));
  });

  it('steps to a VM exit', async () => {
    const exited = bench.window
      .locator('.statusbar-item')
      .filter({ hasText: /ring 0 · [1-9].* instructions · paused/ });
    await press('Step to a VM exit', 'Step to VM Exit', exited);
  });

  it('follows an address', async () => {
    await press('Follow an address', 'Show Address Explorer', bench.page().locator('table.walk .entry'));
  });

  it('looks at the devices', async () => {
    await press('Look at the devices', 'Show Devices', bench.page().locator('[data-device]'));
  });

  it('keeps a machine', async () => {
    const { screen } = bench;
    await press('Keep a machine', 'Create Machine', screen.row('Sample: the tour guest'));
    await screen.pick('Sample: the tour guest');
    await screen.pick(SAMPLE);
    await screen.pick('64M');
    await bench.answer('Kept');
    await bench.showTree();
    await screen.sees(bench.tree(/Kept.*stopped/));
  });
});
