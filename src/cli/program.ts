/** This program: its file, its version, and the machines that it starts in processes of their own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TargetMaker } from '../dap/target-maker';
import { openDump } from '../targets/dump/dump-target';
import { attachGdb } from '../targets/gdb-remote/gdb-target';
import { attachHosted, launchHosted } from '../targets/host/launch';

/** The version in package.json, which lies three folders above the built program. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(join(__dirname, '..', '..', '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

/** Gives debug sessions machines in processes that run this program, which is one file. */
export function programMachines(): TargetMaker {
  const how = { program: __filename, version: version() };
  return {
    launch: (settings, pace) => launchHosted(settings, pace, how),
    attach: (place) => {
      switch (place.kind) {
        case 'machine':
          return attachHosted(place.machine, how.version);
        case 'gdb':
          return attachGdb(place);
        case 'dump':
          return openDump(place);
      }
    },
  };
}
