/** What all our pages have: a line that says how the session stands, and an error that is read out. */
import type { PageSession } from '../src/protocol/pages';
import { fill, h } from './dom';
import type { PageListener, Session } from './session';

/** One page. */
export interface Page extends PageListener {
  /** Everything below the line of the session. */
  readonly content: HTMLElement;
}

/** Makes a page for a session. */
export type MakePage = (session: Session, say: (error: string) => void) => Page;

const STATES: Readonly<Record<PageSession['state'], string>> = {
  none: 'No guest is being debugged: start one with F5.',
  running: 'running',
  stopped: 'stopped',
};

/** Puts a page into the document and connects it. */
export function showPage(session: Session, root: HTMLElement, make: MakePage): void {
  const line = h('p', { class: 'session', role: 'status' });
  const error = h('p', { class: 'error', role: 'alert', hidden: true });
  const say = (text: string): void => {
    error.hidden = text === '';
    fill(error, text);
  };
  const page = make(session, say);
  fill(root, line, error, page.content);
  session.start({
    onSession: (now) => {
      fill(line, now.state === 'none' ? STATES.none : `${now.name}: ${STATES[now.state]}`);
      document.body.dataset.state = now.state;
      if (now.state !== 'none') say('');
      page.onSession(now);
    },
    onTick: () => page.onTick(),
    onShow: (text) => page.onShow(text),
  });
}

/**
 * Runs `work` one at a time: what is asked for meanwhile is done once afterwards. Errors are said, unless the guest has
 * gone on in the meantime.
 */
export function oneAtATime(work: () => Promise<void>, say: (error: string) => void): () => void {
  let busy = false;
  let again = false;
  const run = async (): Promise<void> => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      await work().catch((error: Error) => say(error.message));
    } while (again);
    busy = false;
  };
  return () => void run();
}
