/**
 * How urgent a machine's process is: less than an editor's while its guest runs, and as much while it is stopped, when
 * only debuggers' questions are its work. Threads get a nice value, for good, since only a privileged process may take it
 * back; Linux's autogroup, which weighs a machine's session as a whole against others, changes with the guest.
 *
 * Weight says how much of a core a guest gets, not how soon another thread that wakes does: that can wait for the next
 * clock tick, several times for one keystroke. A thread of the policy SCHED_IDLE gives way at once. It would get
 * next to nothing on a busy host, debuggers' questions neither: so it is taken only where autogroups say the weights.
 * Sources: sched(7), "The nice value and group scheduling", "The autogroup feature", "SCHED_IDLE"; setpriority(2), for
 * threads; chrt(1); cgroups(7).
 * NOT IMPLEMENTED: control groups with processor weights of their own, within which Linux knows nice values only.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const NICE = 10;
const USUAL = 0;
/** A guest that is stopped again so soon, by a step, has taken nothing from anybody. */
const LOWER_AFTER_MS = 300;
/** Linux lets a user without privileges change autogroups once in 100 ms. */
const AGAIN_MS = 120;

/** Makes a change; undefined, or the code of why the system does not let us. */
function refusalOf(change: () => void): string | undefined {
  try {
    change();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/** Lowers all threads of this process, where the system lets us. Those that they make later are as low. */
export function lowerThreads(): void {
  const nice = process.platform === 'win32' ? constants.priority.PRIORITY_BELOW_NORMAL : NICE;
  refusalOf(() => setPriority(nice));
  if (process.platform !== 'linux') return;
  // There, a process's nice value is its first thread's alone, and V8's workers are older than our code.
  refusalOf(() => {
    for (const thread of readdirSync('/proc/self/task')) refusalOf(() => setPriority(Number(thread), nice));
  });
  // Node sets no policies. Where the program is missing, threads stay as they are.
  if (isWeighedBySession()) execFile('chrt', ['--all-tasks', '--idle', '--pid', '0', String(process.pid)], () => {});
}

/**
 * True if Linux weighs this process by its autogroup: it is in no control group that has a processor weight. `proc` and
 * `cgroups` are the folders where the system tells that.
 */
export function isWeighedBySession(proc = '/proc/self', cgroups = '/sys/fs/cgroup'): boolean {
  const hasWeight = (names: readonly string[]): boolean => existsSync([cgroups, ...names, 'cpu.weight'].join('/'));
  try {
    if (!existsSync(`${proc}/autogroup`)) return false;
    const groups = readFileSync(`${proc}/cgroup`, 'utf8').split('\n');
    // Version 1: the controllers' names and the group's path.
    const cpu = groups.find((line) => /^\d+:([^:]*,)?cpu(,[^:]*)?:/.test(line));
    if (cpu !== undefined && !cpu.endsWith(':/')) return false;
    // Version 2: each group up to the root, which alone has no weight.
    const path = groups.find((line) => line.startsWith('0::/'))?.slice('0::'.length) ?? '/';
    const names = path.split('/').filter(Boolean);
    return !hasWeight([]) && names.every((_, depth) => !hasWeight(names.slice(0, depth + 1)));
  } catch {
    return false;
  }
}

/** The priority of the session that this process leads alone. */
export class SessionPriority {
  private timer: NodeJS.Timeout | undefined;
  private nice = USUAL;

  /** The guest runs from now on, or is stopped. */
  set(runs: boolean): void {
    if (process.platform !== 'linux') return;
    clearTimeout(this.timer);
    if (runs) this.later(NICE, LOWER_AFTER_MS);
    else this.write(USUAL);
  }

  private later(nice: number, ms: number): void {
    this.timer = setTimeout(() => this.write(nice), ms).unref();
  }

  private write(nice: number): void {
    if (this.nice === nice) return;
    const refusal = refusalOf(() => writeFileSync('/proc/self/autogroup', String(nice)));
    if (!refusal) this.nice = nice;
    else if (refusal === 'EAGAIN') this.later(nice, AGAIN_MS);
  }
}
