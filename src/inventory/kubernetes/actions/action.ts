/** What an action on a cluster is made of. */
import type { Action, ActionRun } from '../../provider';
import type { Cluster } from '../cluster';
import { unfit } from '../errors';
import type { Place } from '../ids';
import type { KubeObject, ResourceType } from '../object';
import type { ClusterObjects } from '../objects';
import type { ClusterView } from '../view';

/** What a running action has at hand. */
export interface ActionContext extends ActionRun {
  readonly cluster: Cluster;
  readonly objects: ClusterObjects;
  readonly view: ClusterView;
  readonly places: readonly Place[];
  /** Keeps something open beyond the action, until the provider is disposed of. */
  keep(open: { dispose(): void }): void;
}

/** An action and what it does; it rejects with UserErrors. */
export interface KubernetesAction extends Action {
  execute(context: ActionContext): Promise<void>;
}

/** Rows of objects of any kind count as this in `on`: which of them have the action, their rows say. */
export const ANY_OBJECT = 'object';

/** An object with its kind. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** The objects that the rows stand for. */
export async function targetsOf({ cluster, places, signal }: ActionContext): Promise<Target[]> {
  const targets = places.map(async (place): Promise<Target> => {
    if (place.at === 'object') {
      return { type: await cluster.type(place.key, signal), namespace: place.namespace, name: place.name };
    }
    if (place.at === 'namespace') {
      return { type: await cluster.type('/namespaces', signal), namespace: undefined, name: place.namespace };
    }
    throw unfit('This row is no object.');
  });
  return Promise.all(targets);
}

/** The objects as they are now. */
export const read = <T extends KubeObject>(
  { cluster, signal }: ActionContext,
  { type, namespace, name }: Target,
): Promise<T> => cluster.get<T>(type, namespace, name, signal);

/** `Deployment web`. */
export const describeTarget = ({ type, name }: Target): string => `${type.kind} ${name}`;
