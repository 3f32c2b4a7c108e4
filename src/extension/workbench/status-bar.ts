/** The status bar's item while a guest is debugged: mode, privilege, instructions, speed. */
import * as vscode from 'vscode';
import { countText, MODE_EXPRESSION, modeText } from './guest-mode';
import type { SessionWatch, WatchedSession } from './sessions/session-watch';

const SETTING = 'statusBar';

interface Seen {
  readonly at: number;
  readonly instructions: number;
}

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('vmxray.guest', vscode.StatusBarAlignment.Left, 0);
  private readonly subscription: vscode.Disposable;
  private mode = '';
  private modeOf = '';
  private before: Seen | undefined;
  private speed = 0;

  constructor(private readonly watch: SessionWatch) {
    this.item.name = 'VMXray guest';
    this.item.command = 'vmxray.showDevicesPage';
    this.subscription = watch.onChange(({ what }) => {
      if (what === 'counters') this.measure();
      if (what !== 'dataBreakpoints') this.draw();
    });
  }

  dispose(): void {
    this.subscription.dispose();
    this.item.dispose();
  }

  private measure(): void {
    const { counters, running } = this.watch.active ?? {};
    if (!counters) return;
    const now: Seen = { at: performance.now(), instructions: Number(counters.instructions) };
    const { before } = this;
    if (before && now.at - before.at < 400) return;
    const passed = before ? (now.at - before.at) / 1000 : 0;
    this.speed = running && before && passed < 5 ? Math.max(0, (now.instructions - before.instructions) / passed) : 0;
    this.before = now;
  }

  private draw(): void {
    const { active } = this.watch;
    if (!active || !vscode.workspace.getConfiguration('vmxray').get<boolean>(SETTING, true)) {
      this.item.hide();
      return;
    }
    if (!active.running) void this.readMode(active);
    const count = active.counters && `${countText(Number(active.counters.instructions))} instructions`;
    const speed = active.running ? (this.speed > 0 ? `${countText(this.speed)}/s` : 'running') : 'paused';
    const parts = [active.running ? undefined : this.mode, count, speed].filter(Boolean);
    this.item.text = `$(chip) ${parts.join(' · ')}`;
    this.item.tooltip = `${active.session.name}: mode and privilege, instructions completed, speed`;
    this.item.show();
  }

  private async readMode({ session, moment, forPage }: WatchedSession): Promise<void> {
    const key = `${session.id} ${moment}`;
    if (this.modeOf === key) return;
    this.modeOf = key;
    const { frameId } = forPage;
    const question = { expression: MODE_EXPRESSION, context: 'watch', ...(frameId !== undefined && { frameId }) };
    try {
      const { result } = (await this.watch.ask(session, 'evaluate', question)) as { result: string };
      const value = /0x[0-9a-f]+|[0-9]+/i.exec(result)?.[0];
      this.mode = value === undefined ? '' : modeText(Number(value));
    } catch {
      // It runs again, or has ended.
      this.mode = '';
    }
    this.draw();
  }
}
