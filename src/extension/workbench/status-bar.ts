/** The status bar's item while a guest is debugged: mode, privilege, instructions, speed. */
import * as vscode from 'vscode';
import type { SessionWatch, WatchedSession } from './sessions/session-watch';

/**
 * The parts of the mode in one integer: CR0.PE, RFLAGS.VM, EFER.LMA, CS.L, CS.D, and the privilege level (SS.DPL).
 * SDM Vol. 3A 2.2, 5.5.
 */
const MODE_EXPRESSION =
  '($cr0 & 1) | ((($rflags >> 17) & 1) << 1) | ((($efer >> 10) & 1) << 2) | ((($cs_rights >> 13) & 1) << 3) | ' +
  '((($cs_rights >> 14) & 1) << 4) | ((($ss_rights >> 5) & 3) << 5)';
const SETTING = 'statusBar';

/** The mode in a few words. */
export function modeText(parts: number): string {
  const has = (bit: number): boolean => ((parts >> bit) & 1) === 1;
  const ring = `ring ${(parts >> 5) & 3}`;
  if (!has(0)) return 'real mode';
  if (has(1)) return 'virtual-8086';
  if (has(2) && has(3)) return `64-bit, ${ring}`;
  return `${has(2) ? 'compatibility' : 'protected'} ${has(4) ? '32' : '16'}-bit, ${ring}`;
}

/** A count with a unit: `1.78 G`. */
export function countText(count: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  const unit = count < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  return `${Number((count / 1000 ** unit).toPrecision(3))}${units[unit]}`;
}

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
      const { result } = (await session.customRequest('evaluate', question)) as { result: string };
      const value = /0x[0-9a-f]+|[0-9]+/i.exec(result)?.[0];
      this.mode = value === undefined ? '' : modeText(Number(value));
    } catch {
      // It runs again, or has ended.
      this.mode = '';
    }
    this.draw();
  }
}
