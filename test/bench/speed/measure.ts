// Runs one peer once and reads what CPU it has used at each mark.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Peer } from './peers';
import { MARK, SECTIONS, type Section } from './workload';

/** Clock ticks of /proc in a second (Linux: USER_HZ is 100 for every program). */
const TICKS_PER_SECOND = 100;
const LONGEST_MS = 1_800_000;

/** One run: user CPU seconds by section, and what is known of the whole. */
export interface Run {
  readonly peer: string;
  readonly guest: string;
  readonly sections: Readonly<Partial<Record<Section, number>>>;
  /** From start to power-off, without the start of the program itself being taken out. */
  readonly seconds: number;
  readonly instructions?: number;
  readonly peakRssBytes?: number;
}

/** User CPU seconds that process `pid` has used, all its threads together (proc(5), field 14). */
function userSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const behindName = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return Number(behindName[11]) / TICKS_PER_SECOND;
}

/** Runs `peer` to its end. Rejects when it ends without all marks. */
export function measure(peer: Peer): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(peer.command, peer.args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const sections: Partial<Record<Section, number>> = {};
    let last = 0;
    let rest = '';
    let errors = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString('latin1')));
    child.stdout.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString('latin1')).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const section = MARK.exec(line)?.[1] as Section | undefined;
        if (section === undefined || !SECTIONS.includes(section)) continue;
        const now = userSeconds(child.pid!);
        sections[section] = now - last;
        last = now;
      }
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const missing = SECTIONS.filter((section) => sections[section] === undefined);
      if (missing.length > 0) {
        const how = `code ${code}, signal ${signal}: ${errors.slice(-500)}`;
        reject(new Error(`${peer.name} ended before ${missing.join(', ')} (${how})`));
        return;
      }
      const stats = peer.stats ? (JSON.parse(readFileSync(peer.stats, 'utf8')) as Partial<Run>) : {};
      const { instructions, peakRssBytes } = stats;
      const own = { ...(instructions !== undefined && { instructions }), ...(peakRssBytes && { peakRssBytes }) };
      resolve({ peer: peer.name, guest: peer.guest, sections, seconds: last, ...own });
    });
  });
}
