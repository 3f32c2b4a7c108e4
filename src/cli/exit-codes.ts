/** What `vmxray run` tells its caller by its exit code. */

/** The guest's end: as it wished (or the user's), in a crash, at a limit. */
export const EXIT_CODE = { ended: 0, crashed: 1, limit: 3 } as const;

/** Signals that end a run, and the exit code that says so. */
export const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** What a shell gives a program that wrote to a closed pipe. */
export const CLOSED_PIPE = 141;
