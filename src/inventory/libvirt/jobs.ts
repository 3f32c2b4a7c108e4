/** Calls that take long: their progress is asked for beside them, and giving up aborts the daemon's job. */
import { sleep } from '../keep-open';
import type { ActionRun } from '../provider';
import { abortJob, jobOf } from './domain-calls';
import type { LibvirtEngine } from './engine';
import { givenUp } from './errors';
import type { DomainHandle } from './handles';

const POLL_MS = 200;

/** Waits for `work`, a job on the domain; rejects with `words` where the user has given it up and it was undone. */
export async function withJob(
  engine: LibvirtEngine,
  domain: DomainHandle,
  words: string,
  { signal, progress }: ActionRun,
  work: Promise<void>,
): Promise<void> {
  let isOver = false;
  let isAborted = false;
  progress(words);
  const watch = async (): Promise<void> => {
    while (!isOver) {
      if (signal.aborted && !isAborted) {
        isAborted = true;
        // The job may be over, or not have begun.
        await abortJob(engine, domain).catch(() => (isAborted = false));
      }
      const job = await jobOf(engine, domain).catch(() => undefined);
      if (!isOver && job?.fraction !== undefined) progress(words, job.fraction);
      await sleep(POLL_MS);
    }
  };
  const watching = watch();
  try {
    await work;
  } catch (error) {
    throw signal.aborted ? givenUp(words) : error;
  } finally {
    isOver = true;
    await watching;
  }
}

/** Waits until no job runs on the domain. */
export async function untilIdle(engine: LibvirtEngine, domain: DomainHandle, isAborted: () => boolean): Promise<void> {
  while ((await jobOf(engine, domain)).isRunning) await sleep(POLL_MS);
  if (isAborted()) throw givenUp('The job');
}
