/** Requests that begin and end a session. */
import type { Debuggee } from '../debuggee';
import type { Handlers } from '../handler';
import { parseAttach, parseLaunch } from '../launch';

/** Handlers of `launch`, `attach`, `configurationDone`, `restart`, `terminate` and `disconnect`. */
export function lifecycleRequests(debuggee: Debuggee): Handlers {
  const start = (): void => debuggee.startWhenReady();
  return {
    launch: async (args) => {
      await debuggee.launch(parseLaunch(args));
      return { after: start };
    },
    attach: async (args) => {
      await debuggee.attach(parseAttach(args));
      return { after: start };
    },
    configurationDone: () => {
      debuggee.configurationDone();
      return { after: start };
    },
    restart: async () => {
      await debuggee.restart();
      return { after: start };
    },
    terminate: () => ({ after: () => void debuggee.close({ announced: true }) }),
    // A machine that was there before the session stays, unless the client says otherwise.
    disconnect: async (args) => {
      const keep = args.has('terminateDebuggee') ? !args.flag('terminateDebuggee') : debuggee.isAttached;
      if (keep && args.flag('suspendDebuggee')) await debuggee.pause();
      await debuggee.close({ keep });
      return {};
    },
  };
}
