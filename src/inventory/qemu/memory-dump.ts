/**
 * A guest's memory as a file: ELF core (ours to open), or the kdump format that `crash` reads. The machine stands while
 * QEMU writes. Source: QEMU, qapi/dump.json (7.2).
 */
import { sleep } from '../keep-open';
import type { ActionRun, Choice } from '../provider';
import { givenUp, jobFailed } from './errors';
import type { QmpClient } from '../../targets/qmp/qmp-client';

const POLL_MS = 100;
const FORMATS: readonly Choice<string>[] = [
  { label: 'ELF core', description: 'what "Open Memory Dump" and gdb read', value: 'elf' },
  { label: 'kdump, zlib', description: 'compressed, for crash', value: 'kdump-zlib' },
  { label: 'kdump, LZO', description: 'compressed, for crash', value: 'kdump-lzo' },
  { label: 'kdump, Snappy', description: 'compressed, for crash', value: 'kdump-snappy' },
];

interface DumpStatus {
  readonly status: 'none' | 'active' | 'completed' | 'failed';
  readonly completed: number;
  readonly total: number;
}

/** Asks for format and file, and has QEMU write it; gives the path, or undefined where the user gave up. */
export async function dumpMemory(qmp: QmpClient, run: ActionRun): Promise<string | undefined> {
  const { desk, signal } = run;
  const { formats } = await qmp.execute<{ formats: readonly string[] }>(
    'query-dump-guest-memory-capability',
    undefined,
    {
      signal,
    },
  );
  const format = await desk.choose(
    'Dump memory in which format?',
    FORMATS.filter(({ value }) => formats.includes(value)),
  );
  if (format === undefined) return undefined;
  const path = await desk.chooseFile('Write the memory dump to', { save: true });
  if (path === undefined) return undefined;
  await writeDump(qmp, path, format, run);
  return path;
}

async function writeDump(qmp: QmpClient, path: string, format: string, { signal, progress }: ActionRun): Promise<void> {
  let failure = '';
  const listening = qmp.onEvent(({ name, data }) => {
    if (name === 'DUMP_COMPLETED' && typeof data['error'] === 'string') failure = data['error'];
  });
  try {
    const words = 'Writing the memory dump';
    progress(words);
    const args = { paging: false, protocol: `file:${path}`, detach: true, format };
    await qmp.execute('dump-guest-memory', args, { signal });
    for (;;) {
      // QEMU cannot be made to stop it.
      if (signal.aborted) throw givenUp('Waiting for the memory dump (QEMU goes on writing it)');
      const { status, completed, total } = await qmp.execute<DumpStatus>('query-dump', undefined, { signal });
      if (total > 0) progress(words, completed / total);
      if (status === 'completed') return;
      if (status === 'failed') throw jobFailed('The memory dump', failure);
      await sleep(POLL_MS, signal);
    }
  } finally {
    listening.dispose();
  }
}
