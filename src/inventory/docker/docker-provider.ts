/** An engine with a Docker API in the tree: dockerd, or Podman with its pods. */
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
import { dockerActions } from './actions/all';
import { ContainerBook } from './container-book';
import { containerDetails } from './details/container-details';
import { imageDetails } from './details/layers';
import { groupDetails, networkDetails, volumeDetails } from './details/other-details';
import type { EngineContext } from './discovery';
import { DockerEngine } from './engine';
import { noSuchItem } from './errors';
import { EventHub } from './event-hub';
import { feedEvent, isNoise, type DockerEvent } from './events';
import { parseRowId, rowId } from './ids';
import { ContainerStats } from './stats';
import { parentOf, rowsUnder } from './tree';

/** One engine's provider; nothing is loaded or connected before `connect`. */
export class DockerProvider implements Provider {
  readonly id: string;
  readonly label: string;
  readonly kind = 'container engine';
  readonly actions: readonly Action[] = dockerActions;
  private readonly engine: DockerEngine;
  private readonly book: ContainerBook;
  private readonly stats: ContainerStats;
  private readonly hub: EventHub;
  private watching: Disposable | undefined;

  constructor(context: EngineContext) {
    this.id = context.id;
    this.label = context.label;
    this.engine = new DockerEngine(context);
    this.book = new ContainerBook(this.engine);
    this.stats = new ContainerStats(this.engine);
    this.hub = new EventHub(this.engine);
  }

  async connect(signal: AbortSignal): Promise<string> {
    const { version, apiVersion, isPodman } = await this.engine.connect(signal);
    return `${isPodman ? 'Podman' : 'Docker'} ${version}, API ${apiVersion}`;
  }

  children(parent: string | undefined, signal: AbortSignal): Promise<readonly Item[]> {
    return rowsUnder(this.engine, this.book, parent, signal);
  }

  watch(onChange: (change: InventoryChange) => void, onLost: (why: Error) => void): Disposable {
    this.watching?.dispose();
    const batch = new ChangeBatch(async (change) => onChange(await this.whatChanged(change)));
    const open = this.hub.listen({
      event: (event) => addChanges(event, batch),
      opened: (again) => {
        this.book.keep(true);
        if (again) batch.addAll();
      },
      lost: (why) => {
        this.book.keep(false);
        onLost(why);
      },
    });
    const watching = {
      dispose: () => {
        open.dispose();
        batch.dispose();
        if (this.watching !== watching) return;
        this.watching = undefined;
        this.book.keep(false);
      },
    };
    this.watching = watching;
    return watching;
  }

  async run(action: string, items: readonly string[], run: ActionRun): Promise<void> {
    const known = dockerActions.find(({ id }) => id === action);
    if (!known) throw noSuchItem(`action: ${action}`);
    const subjects = items.map((id) => ({ id, ...parseRowId(id) })).filter(({ kind }) => known.on.includes(kind));
    if (known.on.length > 0 && subjects.length === 0) return;
    const { desk, signal } = run;
    const progress = run.progress.bind(run);
    await known.execute({ engine: this.engine, book: this.book, subjects, desk, signal, progress });
  }

  async details(item: string, signal: AbortSignal): Promise<readonly DetailSection[]> {
    const { kind, name } = parseRowId(item);
    switch (kind) {
      case 'container':
        return containerDetails(this.engine, this.book, name, signal);
      case 'image':
        return imageDetails(this.engine, name, signal);
      case 'network':
        return networkDetails(this.engine, name, signal);
      case 'volume':
        return volumeDetails(this.engine, name, signal);
      case 'project':
      case 'pod':
        return groupDetails(this.book, item, signal);
      case 'folder':
        return [];
    }
  }

  async metrics(item: string, signal: AbortSignal): Promise<readonly Metric[] | undefined> {
    const { kind, name } = parseRowId(item);
    if (kind !== 'container') return undefined;
    const container = await this.book.find(name, signal);
    if (container?.word !== 'running') return undefined;
    const { HostConfig } = await this.engine.call(signal, (docker) =>
      docker.getContainer(name).inspect({ abortSignal: signal }),
    );
    const { NanoCpus, CpuQuota, CpuPeriod, PidsLimit } = HostConfig;
    const cores = NanoCpus ? NanoCpus / 1e9 : CpuQuota && CpuQuota > 0 ? CpuQuota / (CpuPeriod || 100_000) : undefined;
    const processes = PidsLimit && PidsLimit > 0 ? PidsLimit : undefined;
    return this.stats.metrics(name, { cores, processes }, signal);
  }

  events(listener: (event: EngineEvent) => void): Disposable {
    return this.hub.listen({
      event: (event) => {
        if (!isNoise(event)) listener(feedEvent(event));
      },
    });
  }

  dispose(): void {
    this.watching?.dispose();
    this.hub.dispose();
  }

  /** Reads changed containers again, and adds the rows that hold them. */
  private async whatChanged(change: InventoryChange): Promise<InventoryChange> {
    if (change === 'all') {
      this.book.keep(true);
      return change;
    }
    const ids = change.map(parseRowId).filter(({ kind }) => kind === 'container');
    try {
      const changed = await this.book.refresh(ids.map(({ name }) => name));
      const parents = changed.filter((one) => one !== undefined).map(parentOf);
      // A group's row tells of its members, and lies in the folder.
      return [...new Set([...change, ...parents, ...(ids.length > 0 ? [rowId('folder', 'containers')] : [])])];
    } catch {
      // The engine went away in between; what is kept may be wrong.
      this.book.keep(true);
      return 'all';
    }
  }
}

function addChanges(event: DockerEvent, batch: ChangeBatch): void {
  const { Type, Actor } = event;
  if (isNoise(event)) return;
  switch (Type) {
    case 'container':
      batch.add(rowId('container', Actor.ID));
      return;
    case 'pod':
      batch.add(rowId('pod', Actor.ID), rowId('folder', 'containers'));
      return;
    case 'image':
    case 'network':
    case 'volume':
      batch.add(rowId('folder', `${Type}s`));
      return;
    default:
  }
}
