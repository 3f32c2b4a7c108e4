// The tour guest debugged in a window as its user has it, by keys and mouse: a breakpoint in C, values, an edit, steps, VM
// exits, the debug console, power-off. README's pictures are taken here.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Locator } from 'playwright-core';
import { SAMPLE_FILES, SAMPLE_LAUNCH } from '../../src/extension/sample-files';
import { CONSOLE, Screen, TERMINAL } from './screen';

/** Expressions for the Watch view, and what it shows of them. */
const WATCHED = [
  ['guard', /600dc0de600dc0de/],
  ['$cr3', /0x10a000/],
] as const;
/** Pixels more for the debug console, for a picture of it, and for the Variables view. */
const RAISED = 250;
const MORE_VARIABLES = 190;

describe('the tour in a window', function () {
  this.timeout(300_000);
  let screen: Screen;

  before(async function () {
    screen = await Screen.open(this, false, (workspace) => {
      for (const [from, to] of SAMPLE_FILES) cpSync(from, join(workspace, to), { recursive: true });
      const launch = join(workspace, SAMPLE_LAUNCH.path);
      mkdirSync(dirname(launch));
      writeFileSync(launch, SAMPLE_LAUNCH.text);
    });
  });
  beforeEach(function () {
    screen.before(this);
  });
  afterEach(function () {
    return screen.after(this);
  });
  after(() => screen?.close());

  const line = (text: string): Locator =>
    screen.page.locator('.editor-instance .view-line').filter({ hasText: text }).first();
  const toolbar = (title: RegExp): Locator =>
    screen.page.locator('.debug-toolbar .action-label').and(screen.page.getByLabel(title));

  it('F5 stops before the first instruction, and then at the breakpoint that F9 sets', async () => {
    await screen.press('Control+p', screen.page.locator('.quick-input-widget .input'));
    await screen.page.keyboard.type('tour/main.c');
    await screen.pick('main.c');
    await screen.sees(line('describe_memory(info);'));
    await screen.until(screen.page.locator('.codicon-debug-breakpoint'), async () => {
      await line('describe_memory(info);').click();
      await screen.page.keyboard.press('F9');
    });
    await screen.press('F5', screen.paused);
    await screen.stopped(/^Paused on entry/, '_start');
    await screen.page.keyboard.press('F5');
    await screen.stopped(/^Paused on breakpoint/, 'kmain');
    await screen.widen();
    await screen.fold('Breakpoints');
    await screen.lower('Call Stack', MORE_VARIABLES);
    await screen.lower('Watch', MORE_VARIABLES);
  });

  it('shows what is watched', async () => {
    for (const [expression, value] of WATCHED) {
      await screen.until(screen.page.locator('.debug-watch input'), () => screen.act('Watch', 'Add Expression'));
      await screen.page.keyboard.type(expression);
      await screen.page.keyboard.press('Enter');
      await screen.sees(screen.viewRow('watch', expression).filter({ hasText: value }));
    }
    await screen.unfold('General', /^RAX/);
    await screen.picture('source');
  });

  it('changes a register where it is shown, and steps', async () => {
    const register = screen.viewRow('variables', /^RBX/);
    await screen.unfold('General', /^RBX/);
    await screen.until(screen.page.locator('.debug-variables input'), () => register.dblclick());
    await screen.page.keyboard.press('Control+a');
    await screen.page.keyboard.type('0x1122');
    await screen.page.keyboard.press('Enter');
    await screen.sees(register.filter({ hasText: '0x0000000000001122' }));
    await screen.page.keyboard.press('F10');
    await screen.stopped(/^Paused on step/, '17');
  });

  it('shows the code as instructions', async () => {
    await screen.run('Open Disassembly View');
    await screen.sees(screen.page.locator('.disassembly-view').getByText('protect_kernel();'));
    await screen.unfold('General', /^RAX/);
    await screen.picture('disassembly');
    await screen.run('View: Close Editor');
  });

  it('lists exits and walks an address in the debug console', async () => {
    await screen.enter(CONSOLE, 'exits 3', screen.console(/exits since the start/));
    await screen.enter(CONSOLE, 'walk $rsp', screen.console(/physical 0x/));
    await screen.raise(RAISED);
    await screen.picture('debug-console');
    await screen.raise(-RAISED);
  });

  it('steps to the next VM exit by the button in the toolbar', async () => {
    await toolbar(/Step to VM Exit/).click();
    await screen.stopped(/^Paused on VM exit: I\/O instruction/, 'put_char');
    await screen.enter(CONSOLE, 'exit', screen.console(/0x3fd/));
    await screen.picture('vm-exit');
  });

  it('runs to power-off, which ends the session', async () => {
    await screen.page.keyboard.press('F5');
    await screen.sees(screen.console(/The guest powered off after \d+ instructions/));
    await screen.gone(screen.page.locator('.debug-toolbar'));
    await screen.until(screen.terminal('The session has ended'), () => screen.run(TERMINAL.command));
    await screen.picture('tour-end');
  });
});
