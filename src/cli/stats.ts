/** What `--stats` writes: the machine's counters, and what the run cost this process. */
import { createHash } from 'node:crypto';
import type { Machine } from '../machine/machine';

/** The figures of one run. */
export interface Stats {
  readonly instructions: number;
  /** Ns of guest time. */
  readonly ticks: number;
  /** VM exits by the SDM's names of their reasons. */
  readonly exits: Readonly<Record<string, number>>;
  /** Time since the start of this process. */
  readonly wallMs: number;
  /** User and system time of the whole process. */
  readonly cpuMs: number;
  readonly peakRssBytes: number;
  /** SHA-256 of the guest's state, hex. */
  readonly stateHash: string;
  readonly endReason: string;
  /** What the guest wrote to isa-debug-exit. */
  readonly debugExit?: number | undefined;
}

/** The figures now. */
export function collectStats(machine: Machine, endReason: string, debugExit?: number): Stats {
  const wallMs = Math.round(performance.now());
  const { user, system } = process.cpuUsage();
  return {
    instructions: machine.instructions,
    ticks: machine.ticks,
    exits: machine.exits?.totalsByName() ?? {},
    wallMs,
    cpuMs: Math.round((user + system) / 1000),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    stateHash: machine.stateHash(createHash('sha256')),
    endReason,
    debugExit,
  };
}
