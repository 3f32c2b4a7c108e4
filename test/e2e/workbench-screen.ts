// A window with the workbench: its tree, its menus, its pages, driven and read as their user does. Machines are kept
// where no other test and no user has theirs.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import axe, { type AxeResults } from 'axe-core';
import type { Context } from 'mocha';
import type { FrameLocator, Locator, Page } from 'playwright-core';
import { Screen } from './screen';

/** Where machines are listed and kept: another's must not be met. */
const PLACES = ['XDG_RUNTIME_DIR', 'XDG_DATA_HOME', 'TMPDIR'] as const;
/** Themes besides the dark one, and what the pages' bodies are marked with in them. */
const THEMES = [
  ['Light Modern', 'vscode-light'],
  ['Dark High Contrast', 'vscode-high-contrast'],
] as const;
const DARK = ['Dark Modern', 'vscode-dark'] as const;

/** Runs axe in the page. */
const serious = async (_body: HTMLElement | SVGElement, source: string): Promise<string[]> => {
  const found = await (new Function(`${source}; return axe.run(document)`)() as Promise<AxeResults>);
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
};

/** The workbench in a window on a workspace of its own. */
export class Workbench {
  private constructor(
    readonly screen: Screen,
    readonly workspace: string,
    private readonly home: string,
    private readonly usual: readonly (readonly [string, string | undefined])[],
  ) {}

  /** Opens a workspace that `fill` has put files in. */
  static async open(context: Pick<Context, 'skip'>, fill: (workspace: string) => void): Promise<Workbench> {
    const usual = PLACES.map((name) => [name, process.env[name]] as const);
    const home = mkdtempSync(join(tmpdir(), 'vmxray-e2e-'));
    for (const name of PLACES) mkdirSync((process.env[name] = join(home, name)), { mode: 0o700 });
    let workspace = '';
    const screen = await Screen.open(context, false, (folder) => {
      workspace = folder;
      fill(folder);
    });
    return new Workbench(screen, workspace, home, usual);
  }

  /** A second window on the same workspace; the first one's end is its end too. */
  async another(): Promise<Workbench> {
    return new Workbench(await this.screen.another(), this.workspace, this.home, this.usual);
  }

  async close(): Promise<void> {
    await this.screen.close();
    for (const [name, value] of this.usual) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  get window(): Page {
    return this.screen.page;
  }

  /** A row of the tree. */
  tree(text: string | RegExp): Locator {
    return this.window.locator('.part.sidebar .pane-body .monaco-list-row').filter({ hasText: text }).first();
  }

  showTree(): Promise<void> {
    const icon = (state: string): Locator =>
      this.window.locator(`.activitybar .action-item${state} [aria-label^="VMXray"]`).first();
    return this.screen.until(icon('.checked'), () => icon('').click());
  }

  /** Unfolds a row until another one is seen. */
  unfold(row: string | RegExp, inside: string | RegExp): Promise<void> {
    return this.screen.until(this.tree(inside), () => this.tree(row).locator('.monaco-tl-twistie').click());
  }

  /** Presses one of a row's own buttons, which are there while the pointer is, and waits for what it does. */
  async press(row: string | RegExp, button: string, seen: Locator): Promise<void> {
    const icon = this.tree(row).getByLabel(button, { exact: true });
    await this.screen.until(icon, () => this.tree(row).hover());
    await icon.click();
    await this.screen.sees(seen);
  }

  /** Chooses an item of a row's context menu. */
  async fromMenu(row: Locator, name: string): Promise<void> {
    const item = this.window.getByRole('menuitem', { name, exact: true });
    await this.screen.until(item, async () => {
      // A menu that came before the row was ready has other items.
      if (await this.window.locator('.monaco-menu-container').isVisible()) await this.window.keyboard.press('Escape');
      await row.click({ button: 'right' });
    });
    // A menu takes no click in its first moments.
    await item.hover();
    await sleep(500);
    await item.click();
  }

  /** Types the answer to a question at the top of the window. */
  async answer(text: string): Promise<void> {
    const input = this.window.locator('.quick-input-widget .input');
    await this.screen.sees(input);
    await input.fill(text);
    await this.window.keyboard.press('Enter');
    await this.screen.gone(input);
  }

  /** Chooses a file where VS Code asks for one. */
  async chooseFile(title: string, path: string): Promise<void> {
    const dialog = this.window.locator('.quick-input-widget').filter({ hasText: title });
    const input = dialog.locator('.input').first();
    await this.screen.sees(input);
    // The dialog writes its own folder there first.
    for (let tries = 0; tries < 5 && (await dialog.isVisible()); tries++) {
      await sleep(1000);
      await input.fill(path).catch(() => {});
      await sleep(500);
      await this.window.keyboard.press('Enter');
      await dialog.waitFor({ state: 'hidden', timeout: 3000 }).catch(() => {});
    }
    await this.screen.gone(dialog);
  }

  /** Answers a question in a dialog. */
  async confirm(question: RegExp, verb: string): Promise<void> {
    await this.screen.dialog(question).getByRole('button', { name: verb, exact: true }).click();
    await this.screen.gone(this.screen.dialog(question));
  }

  /** The page that is shown. */
  page(): FrameLocator {
    return this.window.frameLocator('iframe.webview.ready').last().frameLocator('iframe#active-frame');
  }

  async openPage(command: string, part: string): Promise<void> {
    await this.screen.run(command);
    await this.screen.sees(this.page().locator(part));
  }

  /** What axe finds wrong with the page that is shown, the serious and the critical. */
  async faults(): Promise<readonly string[]> {
    const found = await this.page().locator('body').evaluate(serious, axe.source);
    return found.map((fault) => fault.slice(0, 500));
  }

  /** The same in every theme, with a picture of each; the dark one stays. */
  async faultsInThemes(picture: string): Promise<readonly string[]> {
    const all = [...(await this.faults())];
    for (const [theme, kind] of THEMES) {
      await this.useTheme(theme, kind);
      all.push(...(await this.faults()).map((fault) => `${theme}: ${fault}`));
      await this.screen.picture(`${picture}-${kind}`);
    }
    await this.useTheme(...DARK);
    return all;
  }

  private async useTheme(theme: string, kind: string): Promise<void> {
    await this.screen.run('Preferences: Color Theme');
    await this.answer(theme);
    await this.screen.sees(this.page().locator(`body.${kind}`));
  }
}
