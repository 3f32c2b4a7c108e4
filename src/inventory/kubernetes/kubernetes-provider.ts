/** A cluster in the tree: one context of the kubeconfig. */
import { UserError } from '../../common/errors';
import type { Disposable } from '../disposable';
import { ChangeBatch } from '../change-batch';
import type {
  Action,
  ActionRun,
  DetailSection,
  EngineEvent,
  InventoryChange,
  Item,
  Metric,
  Provider,
} from '../provider';
import { kubernetesActions } from './actions/all';
import { foldersOf, touchedRows } from './changes';
import { Cluster } from './cluster';
import type { ClusterContext } from './contexts';
import { objectDetails } from './details';
import { unfit } from './errors';
import { feedEvent, type ClusterEvent } from './events';
import { parsePlace } from './ids';
import { KubeletFigures } from './kubelet-figures';
import { figuresOf } from './metrics';
import { typeKey, type KubeObject } from './object';
import { ClusterObjects } from './objects';
import { ResourceStore } from './store';
import { rowsUnder } from './tree';
import { ClusterView } from './view';

/** One cluster's provider; nothing is loaded or connected before `connect`. */
export class KubernetesProvider implements Provider {
  readonly id: string;
  readonly label: string;
  readonly kind = 'orchestrator';
  readonly actions: readonly Action[] = kubernetesActions;
  private readonly cluster: Cluster;
  private readonly objects: ClusterObjects;
  private readonly view = new ClusterView();
  private readonly kubelets = new KubeletFigures();
  private readonly kept = new Set<Disposable>();

  constructor(context: ClusterContext) {
    this.id = `kubernetes:${context.name}`;
    this.label = `Kubernetes: ${context.name}`;
    this.cluster = new Cluster(context);
    this.objects = new ClusterObjects(this.cluster);
  }

  async connect(signal: AbortSignal): Promise<string> {
    return `Kubernetes ${await this.cluster.connect(signal)}`;
  }

  children(parent: string | undefined, signal: AbortSignal): Promise<readonly Item[]> {
    return rowsUnder({ cluster: this.cluster, objects: this.objects, view: this.view }, parent, signal);
  }

  watch(onChange: (change: InventoryChange) => void, onLost: (why: Error) => void): Disposable {
    const batch = new ChangeBatch(onChange);
    this.view.onChange = () => batch.addAll();
    this.objects.watch({
      changed: (type, object) => {
        if (typeKey(type) === 'apiextensions.k8s.io/customresourcedefinitions') {
          this.cluster.forgetTypes();
          batch.addAll();
        }
        batch.add(...touchedRows(type, object));
      },
      reset: (type, namespace) => batch.add(...foldersOf(type, namespace)),
      lost: onLost,
      found: () => batch.addAll(),
    });
    return {
      dispose: () => {
        batch.dispose();
        this.objects.watch(undefined);
      },
    };
  }

  async run(action: string, items: readonly string[], run: ActionRun): Promise<void> {
    const known = kubernetesActions.find(({ id }) => id === action);
    if (!known) throw unfit(`There is no action ${action}.`);
    const places = items.map(parsePlace).filter((place) => place !== undefined);
    if (known.on.length > 0 && places.length === 0) return;
    const { desk, signal } = run;
    const progress = run.progress.bind(run);
    const keep = (open: Disposable): void => void this.kept.add(open);
    const { cluster, objects, view } = this;
    await known.execute({ cluster, objects, view, places, desk, signal, progress, keep });
  }

  async details(item: string, signal: AbortSignal): Promise<readonly DetailSection[]> {
    const place = parsePlace(item);
    return place ? objectDetails(this.cluster, place, signal) : [];
  }

  async metrics(item: string, signal: AbortSignal): Promise<readonly Metric[] | undefined> {
    const place = parsePlace(item);
    return place ? figuresOf(this.cluster, this.kubelets, place, signal) : undefined;
  }

  events(listener: (event: EngineEvent) => void): Disposable {
    const type = { group: '', version: 'v1', resource: 'events', kind: 'Event', isNamespaced: true, verbs: [] };
    const hear = (namespace: string | undefined, onForbidden: () => void): ResourceStore => {
      let isPast = true;
      return new ResourceStore(this.cluster, type, namespace, {
        changed: (object: KubeObject) => isPast || listener(feedEvent(object as ClusterEvent)),
        reset: () => undefined,
        opened: () => (isPast = false),
        lost: (why) => {
          if (why instanceof UserError && why.code === 'cluster/Forbidden') onForbidden();
        },
      });
    };
    // Who may not hear of the whole cluster may hear of the context's namespace.
    let open = hear(undefined, () => {
      open.dispose();
      open = hear(this.cluster.context.namespace, () => open.dispose());
    });
    return { dispose: () => open.dispose() };
  }

  dispose(): void {
    for (const open of this.kept) open.dispose();
    this.kept.clear();
    this.objects.dispose();
    this.cluster.dispose();
  }
}
