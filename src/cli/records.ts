/** What a run leaves behind: its statistics, a profile and a snapshot, in files that are opened before the guest runs. */
import { writeFileSync } from 'node:fs';
import { Profile } from '../engine/profile';
import type { Machine } from '../machine/machine';
import { encodeSnapshot } from '../machine/snapshot-file';
import type { RunPlan } from './run-options';
import { createFile } from './serial-line';
import { profileText } from './profile-text';
import { collectStats } from './stats';

/** The files of a run. */
export interface Records {
  /** To be given to the machine, if the user wants a profile. */
  readonly profile?: Profile;
  /** Writes what the user asked for; `reason` is how the run ended. */
  write(machine: Machine, reason: string, debugExit: number | undefined): void;
}

/** Opens the files that the plan names. Throws a UserError for one that cannot be written. */
export function openRecords(plan: Pick<RunPlan, 'stats' | 'save' | 'profile'>): Records {
  const { stats, save } = plan;
  const statsFile = stats === undefined ? undefined : createFile('stats', stats);
  const snapshotFile = save === undefined ? undefined : createFile('snapshot', save);
  const profile = plan.profile === undefined ? undefined : openProfile(plan.profile);
  return {
    ...(profile && { profile: profile.profile }),
    write: (machine, reason, debugExit) => {
      if (snapshotFile !== undefined) writeFileSync(snapshotFile, encodeSnapshot(machine.save()));
      profile?.write();
      if (statsFile === undefined) return;
      const figures = collectStats(machine, reason, debugExit);
      writeFileSync(statsFile, `${JSON.stringify(figures, undefined, 2)}\n`);
    },
  };
}

/** A profile and the place it goes to: a file, or `-` for standard error. */
function openProfile(path: string): { readonly profile: Profile; write(): void } {
  const file = path === '-' ? undefined : createFile('profile', path);
  const profile = new Profile(() => performance.now());
  const json = (): string =>
    JSON.stringify(profile.report(), (_, value: unknown) => (typeof value === 'bigint' ? hex(value) : value), 2);
  return {
    profile,
    write: () => {
      if (file === undefined) process.stderr.write(profileText(profile.report()));
      else writeFileSync(file, `${json()}\n`);
    },
  };
}

const hex = (address: bigint): string => `0x${address.toString(16)}`;
