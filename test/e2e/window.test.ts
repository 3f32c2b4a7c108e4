// The extension as its user has it: installed, in a window without VS Code's test driver. Driven from outside, by keys and
// by what is seen on the screen.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { lab, requireLab } from '../support/lab/lab';
import { CONSOLE, Screen, TERMINAL } from './screen';

describe('the installed extension, in a workspace that is not trusted', function () {
  this.timeout(300_000);
  let screen: Screen;

  before(async function () {
    const configurations = [{ type: 'vmxray', request: 'launch', name: 'Nothing', kernel: 'nothing.elf' }];
    screen = await Screen.open(this, true, (workspace) => {
      mkdirSync(join(workspace, '.vscode'));
      writeFileSync(join(workspace, '.vscode', 'launch.json'), JSON.stringify({ version: '0.2.0', configurations }));
    });
    await screen.sees(screen.page.getByText('Restricted Mode').first());
  });
  beforeEach(function () {
    screen.before(this);
  });
  afterEach(function () {
    return screen.after(this);
  });
  after(() => screen?.close());

  const question = (): Locator => screen.dialog(/Do you trust the authors/);

  it('runs no guest: F5 asks for trust, and without it nothing starts', async () => {
    await screen.press('F5', question());
    await question().getByRole('button', { name: 'Cancel' }).click();
    await screen.gone(question());
    assert.equal(await screen.page.locator('.debug-toolbar').isVisible(), false);
  });

  it('attaches to no machine, and says so in a toast', async () => {
    await screen.run('VMXray: Attach to Machine...');
    await screen.sees(screen.toast(/VMXray runs no guest in restricted mode.*trust this folder first/s));
    await screen.picture('restricted');
    await screen.run('Notifications: Clear All Notifications');
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
  this.timeout(300_000);
  let screen: Screen;

  before(async function () {
    const kernel = requireLab(this, await lab.kernel());
    screen = await Screen.open(this, false, (workspace) => {
      const boot = join(workspace, 'arch', 'x86', 'boot');
      mkdirSync(boot, { recursive: true });
      copyFileSync(kernel.image, join(boot, 'bzImage'));
    });
  });
  beforeEach(function () {
    screen.before(this);
  });
  afterEach(function () {
    return screen.after(this);
  });
  after(() => screen?.close());

  it('boots the built kernel by F5, with our initial RAM disk, and types in its terminal', async () => {
    await screen.press('F5', screen.row('VMXray'));
    await screen.pick('VMXray');
    await screen.sees(screen.row("VMXray's tiny one"));
    await screen.picture('initrd-choice');
    await screen.pick("VMXray's tiny one");
    await screen.sees(screen.terminal("VMXray's tiny initial RAM disk"), 120_000);
    await screen.enter(TERMINAL, 'hello', screen.terminal('you typed: hello'));

    // The machine is one that another session may attach to.
    await screen.run('VMXray: Attach to Machine...');
    await screen.sees(screen.row('bzImage'));
    await screen.page.keyboard.press('Escape');
    await screen.gone(screen.row('bzImage'));
  });

  it('pauses the idle kernel at its HLT, with the stack by its own symbols', async () => {
    await screen.press('F6', screen.paused);
    // The top is selected, and its registers and code are shown, though no frame has a source.
    await screen.stopped(/^Paused/, 'native_safe_halt');
    await screen.sees(screen.page.locator('.disassembly-view').getByText('hlt'));
    await screen.widen();
    await screen.fold('Watch', 'Breakpoints');
    await screen.unfold('General', /^RAX/);
    for (const name of ['native_safe_halt', 'do_idle', 'start_kernel']) {
      await screen.sees(screen.viewRow('call-stack', name));
    }
    await screen.sees(screen.terminal('you typed: hello'));
    await screen.picture('linux');
    await screen.enter(CONSOLE, 'exits 10', screen.console('exits since the start'));
    await screen.page.keyboard.press('F5');
    await screen.sees(screen.state(/^Running/));
  });

  it('ends the session when the guest powers off', async () => {
    await screen.enter(TERMINAL, 'poweroff', screen.terminal('The session has ended'));
    await screen.gone(screen.page.locator('.debug-toolbar'));
  });
});
