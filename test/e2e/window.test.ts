// The extension as its user has it: installed, in a window without VS Code's test driver. Driven from outside, by keys and
// by what is seen on the screen.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import type { Locator } from 'playwright-core';
import { lab, requireLab } from '../support/lab/lab';
import { openWindow, type VsCodeWindow } from '../support/vscode-stand-in/window';

const PATIENCE_MS = 30_000;

/** A window on a workspace of its own, as its user sees it. */
class Screen {
  private constructor(
    private readonly folder: string,
    private readonly window: VsCodeWindow,
  ) {}

  /** Opens a workspace that `fill` has put files in. */
  static async open(context: Context, asksForTrust: boolean, fill: (workspace: string) => void): Promise<Screen> {
    const vsCode = requireLab(context, await lab.codeServer());
    const folder = mkdtempSync(join(tmpdir(), 'vmxray-window-'));
    const workspace = join(folder, 'workspace');
    mkdirSync(workspace);
    fill(workspace);
    const window = await openWindow(vsCode, {
      folder: workspace,
      userData: join(folder, 'data'),
      extensions: join(folder, 'extensions'),
      disableWorkspaceTrust: !asksForTrust,
      smokeTestDriver: false,
      installed: process.cwd(),
      onConsole: () => {},
    });
    return new Screen(folder, window);
  }

  async close(): Promise<void> {
    await this.window.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  get page(): VsCodeWindow['page'] {
    return this.window.page;
  }

  picture(name: string): Promise<void> {
    return this.window.screenshot(name);
  }

  async sees(what: Locator, timeout = PATIENCE_MS): Promise<void> {
    await what.waitFor({ state: 'visible', timeout });
  }

  dialog(text: RegExp): Locator {
    return this.page.locator('.monaco-dialog-box').filter({ hasText: text });
  }

  toast(text: RegExp): Locator {
    return this.page.locator('.notification-toast').filter({ hasText: text });
  }

  /** A row of the quick pick that is open. */
  row(text: string): Locator {
    return this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text }).first();
  }

  /** Presses a key until what it does is seen: a window takes keys some time before it knows what they mean. */
  async press(key: string, what: Locator): Promise<void> {
    for (let pressed = 0; pressed < 15 && !(await what.isVisible()); pressed++) {
      await this.page.keyboard.press(key);
      await what.waitFor({ state: 'visible', timeout: 2000 }).catch(() => undefined);
    }
    await this.sees(what);
  }

  async pick(text: string): Promise<void> {
    await this.sees(this.row(text));
    await this.row(text).click();
  }

  /** Hands the keyboard to the terminal. */
  async focusTerminal(): Promise<void> {
    await this.run('Terminal: Focus Terminal');
    await this.sees(this.page.locator('.terminal-wrapper .xterm.focus'));
  }

  /** Runs a command of the palette. */
  async run(command: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.page.keyboard.type(command);
    // Rows come and go while the list is filtered; what was typed in full is the first in the end.
    await this.sees(this.row(command));
    await this.page.keyboard.press('Enter');
  }
}

describe('the installed extension, in a workspace that is not trusted', function () {
  this.timeout(120_000);
  let screen: Screen;

  before(async function () {
    const configurations = [{ type: 'vmxray', request: 'launch', name: 'Nothing', kernel: 'nothing.elf' }];
    screen = await Screen.open(this, true, (workspace) => {
      mkdirSync(join(workspace, '.vscode'));
      writeFileSync(join(workspace, '.vscode', 'launch.json'), JSON.stringify({ version: '0.2.0', configurations }));
    });
    await screen.sees(screen.page.getByText('Restricted Mode').first());
  });
  after(() => screen?.close());

  const question = (): Locator => screen.dialog(/Do you trust the authors/);

  it('runs no guest: F5 asks for trust, and without it nothing starts', async () => {
    await screen.press('F5', question());
    await question().getByRole('button', { name: 'Cancel' }).click();
    await question().waitFor({ state: 'hidden' });
    assert.equal(await screen.page.locator('.debug-toolbar').isVisible(), false);
  });

  it('attaches to no machine, and says so in a toast', async () => {
    await screen.run('VMXray: Attach to Machine');
    await screen.sees(screen.toast(/VMXray runs no guest in restricted mode.*trust this folder first/s));
    await screen.picture('restricted');
    await screen.run('Notifications: Clear All');
  });

  it('once trusted, says what is wrong with the launch', async () => {
    await screen.press('F5', question());
    await question()
      .getByRole('button', { name: /^Trust/ })
      .click();
    const answer = screen.dialog(/The kernel file .*nothing\.elf does not exist: check the path/);
    await screen.sees(answer);
    await screen.picture('missing-kernel');
    await answer.getByRole('button', { name: 'Cancel' }).click();
  });
});

describe('the installed extension, in a kernel tree without launch.json', function () {
  this.timeout(150_000);
  let screen: Screen;

  before(async function () {
    const kernel = requireLab(this, await lab.kernel());
    screen = await Screen.open(this, false, (workspace) => {
      const boot = join(workspace, 'arch', 'x86', 'boot');
      mkdirSync(boot, { recursive: true });
      copyFileSync(kernel.image, join(boot, 'bzImage'));
    });
  });
  after(() => screen?.close());
  afterEach(() => screen.picture('debugwin'));

  it('boots the built kernel by F5, with our initial RAM disk, and types in its terminal', async () => {
    await screen.press('F5', screen.row('VMXray'));
    await screen.pick('VMXray');
    await screen.sees(screen.row("VMXray's tiny one"));
    await screen.picture('initrd-choice');
    await screen.pick("VMXray's tiny one");
    const terminal = screen.page.locator('.terminal-wrapper .xterm-rows');
    await screen.sees(terminal.filter({ hasText: "VMXray's tiny initial RAM disk" }), 120_000);
    await screen.focusTerminal();
    await screen.page.keyboard.type('hello');
    await screen.page.keyboard.press('Enter');
    await screen.sees(terminal.filter({ hasText: 'you typed: hello' }));

    // The machine is one that another session may attach to.
    await screen.run('VMXray: Attach to Machine');
    await screen.sees(screen.row('bzImage'));
    await screen.page.keyboard.press('Escape');

    await screen.page.keyboard.press('F6');
    await screen.sees(screen.page.getByText(/^Paused/).first());
    // An idle kernel waits in HLT. The view takes the keyboard when it opens.
    await screen.sees(screen.page.locator('.disassembly-view').getByText('hlt').first());
    await screen.run('Debug Console: Focus on Debug Console View');
    await screen.sees(screen.page.locator('.repl-input-wrapper .monaco-editor.focused'));
    await screen.page.keyboard.type('exits 10');
    await screen.page.keyboard.press('Enter');
    await screen.sees(screen.page.locator('.repl').getByText('exits since the start'));
    await screen.picture('debug-console');
    await screen.page.keyboard.press('F5');
    await screen.sees(screen.page.getByText(/^Running/).first());

    await screen.focusTerminal();
    await screen.page.keyboard.type('poweroff');
    await screen.page.keyboard.press('Enter');
    await screen.sees(terminal.filter({ hasText: 'The session has ended' }));
    assert.equal(await screen.page.locator('.debug-toolbar').isVisible(), false);
  });
});
