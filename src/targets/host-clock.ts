/** The host's time for what waits by it, taken as a parameter so that tests can move it. Milliseconds throughout. */
import { performance } from 'node:perf_hooks';

/** What time it is, from any origin, and a call back after some time, which the answer calls off. */
export interface HostClock {
  now(): number;
  after(ms: number, done: () => void): () => void;
}

/** The real one. */
export const HOST_CLOCK: HostClock = {
  now: () => performance.now(),
  after: (ms, done) => {
    const timer = setTimeout(done, ms);
    return () => clearTimeout(timer);
  },
};
