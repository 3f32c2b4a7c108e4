/**
 * Live migration of a QEMU to another one, with its progress; given up, the source goes on as if nothing had been.
 * Source: QEMU, qapi/migration.json (7.2).
 * NOT IMPLEMENTED: post-copy, multifd, TLS.
 */
import { sleep } from '../keep-open';
import type { ActionRun } from '../provider';
import { givenUp, jobFailed } from './errors';
import type { QmpClient } from '../../targets/qmp/qmp-client';

const POLL_MS = 100;

interface MigrationInfo {
  readonly status?: string;
  readonly 'error-desc'?: string;
  readonly ram?: { readonly total: number; readonly remaining: number };
}

/** Migrates to `uri` (`unix:PATH`, `tcp:HOST:PORT`); resolves when the other QEMU has the machine. */
export async function migrate(qmp: QmpClient, uri: string, { signal, progress }: ActionRun): Promise<void> {
  const words = 'Migrating';
  progress(words);
  await qmp.execute('migrate', { uri }, { signal });
  let isCancelled = false;
  for (;;) {
    if (signal.aborted && !isCancelled) {
      isCancelled = true;
      await qmp.execute('migrate_cancel');
    }
    const info = await qmp.execute<MigrationInfo>('query-migrate');
    const { total = 0, remaining = 0 } = info.ram ?? {};
    if (total > 0) progress(words, Math.max(0, 1 - remaining / total));
    switch (info.status) {
      case 'completed':
        return;
      case 'failed':
        throw jobFailed('The migration', info['error-desc'] ?? '');
      case 'cancelled':
        throw givenUp('The migration');
      default:
        await sleep(POLL_MS);
    }
  }
}
