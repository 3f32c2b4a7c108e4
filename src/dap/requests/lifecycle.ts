/** Requests that begin and end a session. */
import { basename } from 'node:path';
import type { Debuggee } from '../debuggee';
import type { Handlers } from '../handler';
import { parseAttach, parseLaunch } from '../launch';
import type { AttachPlace } from '../target-maker';

/** What a session attaches to, in its user's words. */
function nameOf(place: AttachPlace): string {
  return place.kind === 'machine' ? place.machine : place.kind === 'gdb' ? place.gdb : basename(place.dump);
}

/** Handlers of `launch`, `attach`, `configurationDone`, `restart`, `terminate` and `disconnect`. */
export function lifecycleRequests(debuggee: Debuggee): Handlers {
  const start = (): void => debuggee.startWhenReady();
  return {
    launch: async (args) => {
      const launch = parseLaunch(args);
      await debuggee.withProgress(`Starting ${basename(launch.machine.kernel)}`, () => debuggee.launch(launch));
      return { after: start };
    },
    attach: async (args) => {
      const attach = parseAttach(args);
      await debuggee.withProgress(`Attaching to ${nameOf(attach.place)}`, () => debuggee.attach(attach));
      return { after: start };
    },
    configurationDone: () => {
      debuggee.configurationDone();
      return { after: start };
    },
    restart: async () => {
      await debuggee.withProgress('Starting the guest again', () => debuggee.restart());
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
