/** Makes a machine of ours from what its user says: reads the files, checks the values, boots. */
import { Machine, type MachineOptions } from '../machine/machine';
import { Random } from '../machine/random';
import {
  DEFAULT_MEMORY,
  type EptMode,
  type MachineSettings,
  type Pace,
  parseFlat,
  parseRtc,
  parseSeed,
  parseSize,
  readGuestFile,
} from './machine-settings';

const EPT_MODES: Readonly<Record<EptMode, () => MachineOptions['hypervisor']>> = {
  lazy4k: () => ({ policy: 'lazy4k' }),
  eager2m: () => ({ policy: 'eager2m' }),
  evict: () => ({ policy: 'lazy4k', eviction: { every: 10_000, pages: 16, random: new Random(1n) } }),
};

/** Throws UserErrors for everything that settings or files can have wrong. `onSerial` gets each byte the guest sends. */
export function createMachine(settings: MachineSettings, pace: Pace, onSerial: (byte: number) => void): Machine {
  const { kernel, initrd, cmdline, memory = DEFAULT_MEMORY, bare, seed, rtc, ept, flat } = settings;
  const memoryBytes = parseSize(memory);
  return new Machine({
    memoryBytes,
    ...(seed !== undefined && { seed: parseSeed(seed) }),
    ...(rtc !== undefined && { rtcSeconds: parseRtc(rtc, Date.now) }),
    ...(bare !== undefined && { bare }),
    ...(ept !== undefined && { hypervisor: EPT_MODES[ept]() }),
    kernel: readGuestFile('kernel', kernel),
    boot: {
      ...(initrd !== undefined && { initrd: readGuestFile('initrd', initrd) }),
      ...(cmdline !== undefined && { cmdline }),
      ...(flat !== undefined && { flat: parseFlat(flat) }),
    },
    sleep: pace === 'wall' ? 'return' : 'skip',
    onSerial,
  });
}
