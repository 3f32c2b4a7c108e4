/** Makes a machine of ours from what its user says: reads the files, checks the values, boots. */
import { Machine, type MachineConnections } from '../machine/machine';
import type { Profile } from '../engine/profile';
import { DEFAULT_POLICY, EAGER_JIT, NO_JIT, type JitPolicy } from '../engine/jit/jit';
import { Random } from '../machine/random';
import { decodeSnapshot } from '../machine/snapshot-file';
import {
  DEFAULT_MEMORY,
  type EptMode,
  type JitMode,
  type MachineSettings,
  type Pace,
  parseFlat,
  parseRtc,
  parseSeed,
  parseSize,
  readGuestFile,
  type RestoredSettings,
} from './machine-settings';
import { readyMadeInterpreter } from './ready-made';

const EPT_MODES: Readonly<Record<EptMode, () => MachineConnections['hypervisor']>> = {
  lazy4k: () => ({ policy: 'lazy4k' }),
  lazy64k: () => ({ policy: 'lazy64k' }),
  eager2m: () => ({ policy: 'eager2m' }),
  evict: () => ({ policy: 'lazy4k', eviction: { every: 10_000, pages: 16, random: new Random(1n) } }),
};

const JIT_POLICIES: Readonly<Record<JitMode, JitPolicy>> = { on: DEFAULT_POLICY, off: NO_JIT, eager: EAGER_JIT };

/**
 * Throws UserErrors for everything that settings or files can have wrong. `onSerial` gets each byte the guest sends;
 * `profile` notes where guest time goes, at the cost of some of it.
 */
export function createMachine(
  settings: MachineSettings | RestoredSettings,
  pace: Pace,
  onSerial: (byte: number) => void,
  profile?: Profile,
): Machine {
  const connections: MachineConnections = {
    ...(settings.ept !== undefined && { hypervisor: EPT_MODES[settings.ept]() }),
    jit: { ...JIT_POLICIES[settings.jit ?? 'on'], ...(profile && { profile }) },
    readyMade: readyMadeInterpreter,
    sleep: pace === 'wall' ? 'return' : 'skip',
    onSerial,
  };
  if ('restore' in settings)
    return Machine.restore(connections, decodeSnapshot(readGuestFile('snapshot', settings.restore)));
  const { kernel, initrd, cmdline, memory = DEFAULT_MEMORY, bare, seed, rtc, flat } = settings;
  const memoryBytes = parseSize(memory);
  return new Machine({
    ...connections,
    memoryBytes,
    ...(seed !== undefined && { seed: parseSeed(seed) }),
    ...(rtc !== undefined && { rtcSeconds: parseRtc(rtc, Date.now) }),
    ...(bare !== undefined && { bare }),
    kernel: readGuestFile('kernel', kernel),
    boot: {
      ...(initrd !== undefined && { initrd: readGuestFile('initrd', initrd) }),
      ...(cmdline !== undefined && { cmdline }),
      ...(flat !== undefined && { flat: parseFlat(flat) }),
    },
  });
}
