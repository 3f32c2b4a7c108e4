/** Start, stop and their like, for containers, for a project's containers, and for pods as wholes. */
import type { Action } from '../../provider';
import { actOnPod, type PodAction } from '../../podman/pods';
import { membersOf } from '../tree';
import { doToEach, type ActionContext, type DockerAction, type Subject } from './action';

const ACTIONS: readonly (readonly [PodAction, string, string, Action['group'], string])[] = [
  ['start', 'Start', 'debug-start', 'inline', 'Starting'],
  ['stop', 'Stop', 'debug-stop', 'inline', 'Stopping'],
  ['restart', 'Restart', 'debug-restart', 'state', 'Restarting'],
  ['pause', 'Pause', 'debug-pause', 'state', 'Pausing'],
  ['unpause', 'Unpause', 'debug-continue', 'state', 'Unpausing'],
  ['kill', 'Kill', 'zap', 'state', 'Killing'],
];

/** The actions that change whether containers run. */
export const stateActions: readonly DockerAction[] = ACTIONS.map(([id, title, icon, group, doing]) => ({
  id,
  title,
  icon,
  group,
  on: ['container', 'project', 'pod'],
  severalItems: true,
  execute: async (context) => {
    context.progress(doing);
    await doToEach(context.subjects, (subject) => act(context, subject, id));
  },
}));

async function act(context: ActionContext, subject: Subject, action: PodAction): Promise<void> {
  const { engine, book, signal } = context;
  switch (subject.kind) {
    case 'pod':
      return actOnPod(engine, subject.name, action, signal);
    case 'project': {
      const members = await membersOf(book, subject.id, signal);
      const wanted = members.filter(({ word }) => isFor(action, word));
      return doToEach(wanted, ({ id }) => actOnContainer(context, id, action));
    }
    default:
      return actOnContainer(context, subject.name, action);
  }
}

/** Whether the action makes sense in that state: pausing a project leaves out what does not run. */
function isFor(action: PodAction, word: string): boolean {
  switch (action) {
    case 'pause':
      return word === 'running';
    case 'kill':
    case 'stop':
      return word === 'running' || word === 'paused' || word === 'restarting';
    case 'unpause':
      return word === 'paused';
    default:
      return true;
  }
}

// The plain call takes 304 (already so) for done.
async function actOnContainer({ engine, signal }: ActionContext, id: string, action: PodAction): Promise<void> {
  await engine.request({ method: 'POST', path: `/containers/${encodeURIComponent(id)}/${action}` }, signal);
}
