// A VS Code window as its user has it: the extension installed, without VS Code's test driver. Driven from outside, by
// keys, the mouse and what is seen on the screen; every wait is for something seen.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import type { Locator } from 'playwright-core';
import { lab, requireLab } from '../support/lab/lab';
import { openWindow, type VsCodeWindow } from '../support/vscode-stand-in/window';

const PATIENCE_MS = 60_000;
/** How long one try may take to show what it does. */
const TRY_MS = 3000;
const TRIES = 10;
/** Pixels more for the side bar. */
const WIDER = 110;
/** The middle of the title bar's left part. */
const NOWHERE = [200, 12] as const;

/** A place that takes the keyboard: the command that leads there, and what has the focus then. */
export interface Place {
  readonly command: string;
  readonly focused: string;
}

export const TERMINAL: Place = { command: 'Terminal: Focus Terminal', focused: '.xterm-helper-textarea:focus' };
export const CONSOLE: Place = {
  command: 'Debug Console: Focus on Debug Console View',
  focused: '.repl-input-wrapper .monaco-editor.focused',
};

/** A window on a workspace of its own. */
export class Screen {
  private hasFailed = false;

  private constructor(
    private readonly folder: string,
    private readonly window: VsCodeWindow,
  ) {}

  /** Opens a workspace that `fill` has put files in. */
  static async open(
    context: Pick<Context, 'skip'>,
    asksForTrust: boolean,
    fill: (workspace: string) => void,
  ): Promise<Screen> {
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

  /** A second window on the same workspace; the first one's end is its end too. */
  async another(): Promise<Screen> {
    const { page } = this.window;
    const other = await page.context().browser()!.newPage({ viewport: page.viewportSize(), colorScheme: 'dark' });
    await other.goto(page.url());
    return new Screen(this.folder, {
      ...this.window,
      page: other,
      screenshot: async () => {},
      close: () => other.close(),
    });
  }

  async close(): Promise<void> {
    await this.window.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Begins a test: where one before it has failed the window is not what this one wants, and it is skipped. */
  before(context: Context): void {
    if (this.hasFailed) context.skip();
  }

  /** Ends a test: one that failed tells what was on the screen, in words and as a picture. */
  async after({ currentTest }: Context): Promise<void> {
    if (currentTest?.state !== 'failed') return;
    this.hasFailed = true;
    // In its message, so that it stands where the failures are listed.
    if (currentTest.err) currentTest.err.message += `\nOn the screen:\n${await this.words()}`;
    await this.picture(`failed-${currentTest.title.replace(/\W+/g, '-')}`);
  }

  /** What a reader of the window would see of it, part by part, and where the keyboard is. */
  private async words(): Promise<string> {
    const parts = this.page.locator(
      '.part:visible, .quick-input-widget:visible, .monaco-dialog-box, .debug-toolbar, .notification-toast',
    );
    const folded = this.page.locator('.monaco-list-row[aria-expanded="false"]:visible');
    const texts = (await parts.allInnerTexts()).map((text) => text.replace(/\s*\n\s*/g, ' | '));
    const focused = this.page.locator('*:focus');
    return [
      ...texts,
      `folded: ${(await folded.allInnerTexts()).join(' | ')}`,
      `focus: ${(await focused.getAttribute('class', { timeout: TRY_MS }).catch(String)) ?? ''}`,
    ].join('\n');
  }

  get page(): VsCodeWindow['page'] {
    return this.window.page;
  }

  /** Takes a picture, where VMXRAY_SCREENSHOTS says so. */
  async picture(name: string): Promise<void> {
    await this.rest();
    // What comes up for a moment: a title, or a terminal's new size.
    for (const passing of ['.monaco-hover:visible', '.workbench-hover:visible', '.terminal-resize-overlay.visible'])
      await this.gone(this.page.locator(passing));
    await this.window.screenshot(name);
  }

  async sees(what: Locator, timeout = PATIENCE_MS): Promise<void> {
    await what.first().waitFor({ state: 'visible', timeout });
  }

  /** Waits until what was seen is gone. */
  async gone(what: Locator): Promise<void> {
    await what.first().waitFor({ state: 'hidden', timeout: PATIENCE_MS });
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

  /** What the guest's serial terminal shows. */
  terminal(text: string | RegExp): Locator {
    return this.page.locator('.terminal-wrapper .xterm-rows').filter({ hasText: text });
  }

  /** What the debug console shows. */
  console(text: string | RegExp): Locator {
    return this.page.locator('.repl').getByText(text);
  }

  /** A row of one of the views of a session: `variables`, `watch`, `call-stack` or `breakpoints`. */
  viewRow(view: string, text: string | RegExp): Locator {
    return this.page.locator(`.debug-${view} .monaco-list-row`).filter({ hasText: text }).first();
  }

  /** What a session's toolbar has while its guest is stopped: the button that lets it go on. */
  get paused(): Locator {
    return this.page.locator('.debug-toolbar .codicon-debug-continue');
  }

  /** What the call stack's title says of the session's state. */
  state(text: RegExp): Locator {
    return this.callStack.getByText(text);
  }

  private get callStack(): Locator {
    return this.page.locator('.pane-header').filter({ hasText: 'Call Stack' });
  }

  /** Folds views of a session, so that the others have room. */
  async fold(...views: readonly string[]): Promise<void> {
    for (const view of views) {
      const folded = this.page.locator('.pane-header:not(.expanded)').filter({ hasText: view });
      await this.until(folded, () => this.page.locator('.pane-header').filter({ hasText: view }).click());
    }
  }

  /** Presses a button in a view's title, which is there while the pointer is. */
  async act(view: string, button: string): Promise<void> {
    const title = this.page.locator('.pane-header').filter({ hasText: view });
    await title.hover();
    await title.getByLabel(button).first().click();
  }

  /** Gives the side bar room for whole registers and frames. */
  async widen(): Promise<void> {
    const { x, y, width, height } = await this.box(this.page.locator('.part.sidebar'));
    await this.drag([x + width, y + height / 2], [WIDER, 0]);
  }

  /** Gives the panel room, or takes it away: `pixels` upward. */
  async raise(pixels: number): Promise<void> {
    const { x, y, width } = await this.box(this.page.locator('.part.panel'));
    const sashes = await this.page.locator('.monaco-sash.horizontal:visible').all();
    const edges = await Promise.all(sashes.map((sash) => this.box(sash)));
    const middles = edges
      .map((edge) => edge.y + edge.height / 2)
      .sort((one, other) => Math.abs(one - y) - Math.abs(other - y));
    await this.drag([x + width / 3, middles[0] ?? y], [0, -pixels]);
  }

  /** Gives the view above this one room: `pixels` downward. */
  async lower(view: string, pixels: number): Promise<void> {
    const { x, y, width } = await this.box(this.page.locator('.pane-header').filter({ hasText: view }));
    await this.drag([x + width / 2, y], [0, pixels]);
  }

  private async box(what: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
    const box = await what.boundingBox();
    if (!box) throw new Error('It is not on the screen.');
    return box;
  }

  private async drag([x, y]: readonly [number, number], [right, down]: readonly [number, number]): Promise<void> {
    await this.page.mouse.move(x, y);
    await this.page.mouse.down();
    await this.page.mouse.move(x + right, y + down, { steps: 5 });
    await this.page.mouse.up();
    await this.rest();
  }

  /** Moves the pointer to where it points at nothing: a title that it shows would be in the picture. */
  private async rest(): Promise<void> {
    await this.page.mouse.move(...NOWHERE);
  }

  /** Waits until the guest is seen to have stopped, with `frame` as its top, and that frame's scopes. */
  async stopped(text: RegExp, frame: string): Promise<void> {
    await this.sees(this.paused);
    // VS Code opens this view with its first session, but a window that is still starting then shows the explorer again.
    await this.until(this.callStack, () => this.run('View: Show Run and Debug'));
    await this.sees(this.state(text));
    await this.sees(this.viewRow('call-stack', frame));
    await this.sees(this.viewRow('variables', /^General/));
  }

  /** Unfolds a scope of the Variables view, which VS Code folds as it pleases, until this row of it is seen. */
  unfold(scope: string, row: RegExp): Promise<void> {
    return this.until(this.viewRow('variables', row), () => this.viewRow('variables', exactly(scope)).click());
  }

  /** Does something until what it does is seen: a window takes keys some time before it knows what they mean. */
  async until(what: Locator, act: () => Promise<void>): Promise<void> {
    for (let tries = 0; tries < TRIES && !(await what.first().isVisible()); tries++) {
      await act();
      await what
        .first()
        .waitFor({ state: 'visible', timeout: TRY_MS })
        .catch(() => undefined);
    }
    await this.sees(what);
  }

  /** Presses a key until what it does is seen. */
  press(key: string, what: Locator): Promise<void> {
    return this.until(what, () => this.page.keyboard.press(key));
  }

  async pick(text: string): Promise<void> {
    await this.sees(this.row(text));
    await this.row(text).click();
  }

  /** Types a line where the keyboard is led to, again until what it does is seen. */
  async enter(place: Place, line: string, what: Locator): Promise<void> {
    await this.until(what, async () => {
      await this.until(this.page.locator(place.focused), () => this.run(place.command));
      await this.page.keyboard.type(line);
      await this.page.keyboard.press('Enter');
    });
  }

  /** Runs a command of the palette by its full title; again if something that opens takes the keyboard away meanwhile. */
  async run(command: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget .input');
    const title = this.page.locator('.quick-input-list .label-name').filter({ hasText: exactly(command) });
    for (let tries = 1; ; tries++)
      try {
        await this.press('F1', input);
        await input.fill(`>${command}`, { timeout: TRY_MS });
        await title.click({ timeout: tries < TRIES ? 3 * TRY_MS : PATIENCE_MS });
        break;
      } catch (error) {
        if (tries >= TRIES) throw error;
      }
    await this.gone(title);
  }
}

const exactly = (text: string): RegExp => new RegExp(`^${text.replace(/[.$]/g, '\\$&')}$`);
