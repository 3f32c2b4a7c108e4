/** A libvirt daemon in the tree: its domains, networks and storage pools. */
import { ChangeBatch } from '../change-batch';
import type { Disposable } from '../disposable';
import type {
  ActionRun,
  DetailSection,
  EngineEvent,
  EngineKind,
  InventoryChange,
  Item,
  Metric,
  Provider,
} from '../provider';
import { LIBVIRT_ACTIONS, type LibvirtAction } from './action-table';
import { SharedStreams } from '../shared-streams';
import { cloneDomain } from './clone';
import { consoleStream } from './console-stream';
import { addChanges, feedEvent } from './daemon-events';
import { detailsOf } from './details';
import { findDomain, resume, suspend } from './domain-calls';
import { LibvirtEngine } from './engine';
import { gone, noAction } from './errors';
import { type DomainHandle, type NamedHandle } from './handles';
import { folderId, parseId, partId, type RowId } from './ids';
import { DomainMetrics } from './metrics';
import * as domains from './operations';
import { actOnNetwork, actOnPool, removeVolume } from './storage-operations';
import { rowsUnder } from './tree';
import type { LibvirtUri } from './uri';
import { defineXml, editXml } from './xml-actions';

/** What a driver's hypervisor is. */
const KINDS: Readonly<Record<string, EngineKind>> = {
  qemu: 'type 2 hypervisor',
  xen: 'type 1 hypervisor',
  lxc: 'system container engine',
  test: 'emulator',
};

export class LibvirtProvider implements Provider {
  readonly id: string;
  readonly label: string;
  readonly kind: EngineKind;
  readonly actions = LIBVIRT_ACTIONS;
  private readonly engine: LibvirtEngine;
  private readonly figures = new DomainMetrics();
  private readonly consoles = new SharedStreams();
  private readonly batches = new Set<ChangeBatch>();

  constructor(uri: LibvirtUri, ssh?: string) {
    this.id = `libvirt:${uri.text}`;
    this.label = `libvirt: ${uri.text.replace(/\?.*/, '')}`;
    this.kind = KINDS[uri.driver] ?? 'type 2 hypervisor';
    this.engine = new LibvirtEngine(uri, ssh);
  }

  async connect(signal: AbortSignal): Promise<string> {
    const { library, hypervisor, type } = await this.engine.connect(signal);
    return hypervisor === '' ? `libvirt ${library}` : `libvirt ${library}, ${type} ${hypervisor}`;
  }

  children(parent: string | undefined, signal: AbortSignal): Promise<readonly Item[]> {
    return rowsUnder(this.engine, parent, signal);
  }

  watch(onChange: (change: InventoryChange) => void, onLost: (why: Error) => void): Disposable {
    const batch = new ChangeBatch(onChange);
    this.batches.add(batch);
    const open = this.engine.listen({
      event: (event) => addChanges(event, batch),
      opened: (again) => again && batch.addAll(),
      lost: onLost,
    });
    return {
      dispose: () => {
        open.dispose();
        batch.dispose();
        this.batches.delete(batch);
      },
    };
  }

  async run(action: string, items: readonly string[], run: ActionRun): Promise<void> {
    const known = LIBVIRT_ACTIONS.find(({ id }) => id === action);
    if (!known) throw noAction(action);
    if (known.id === 'defineXml' || known.id === 'restoreFile') {
      await (known.id === 'defineXml' ? defineXml(this.engine, run) : domains.restoreFile(this.engine, run));
      return;
    }
    for (const [index, item] of items.entries()) {
      run.signal.throwIfAborted();
      if (items.length > 1) run.progress(`${index + 1} of ${items.length}`, index / items.length);
      const id = parseId(item);
      // Not all that is done makes events: snapshots and volumes make none.
      await this.act(known.id, id, run).finally(() => this.tell(item, id));
    }
  }

  details(item: string, signal: AbortSignal): Promise<readonly DetailSection[]> {
    return detailsOf(this.engine, item, signal);
  }

  async metrics(item: string, signal: AbortSignal): Promise<readonly Metric[] | undefined> {
    const { kind, key, part } = parseId(item);
    return kind === 'domain' && !part ? this.figures.of(this.engine, key, { signal }) : undefined;
  }

  events(listener: (event: EngineEvent) => void): Disposable {
    return this.engine.listen({
      event: (event) => {
        const read = feedEvent(event);
        if (read) listener(read);
      },
    });
  }

  dispose(): void {
    for (const batch of this.batches) batch.dispose();
    this.batches.clear();
    this.engine.dispose();
  }

  private async act(action: LibvirtAction, id: RowId, run: ActionRun): Promise<void> {
    const { engine } = this;
    const { kind, key, part } = id;
    if (action === 'editXml') return editXml(engine, id, run);
    switch (kind) {
      case 'network':
        if (action === 'start' || action === 'destroy' || action === 'undefine')
          return actOnNetwork(engine, key, action, run);
        return;
      case 'pool':
        if (part) return action === 'removeVolume' ? removeVolume(engine, key, part.name, run) : undefined;
        if (
          action === 'start' ||
          action === 'destroy' ||
          action === 'undefine' ||
          action === 'refreshPool' ||
          action === 'createVolume'
        )
          return actOnPool(engine, key, action, run);
        return;
      case 'domain': {
        const domain = await findDomain(engine, key, run);
        return part ? this.actOnPart(action, domain, part, run) : this.actOnDomain(action, domain, run);
      }
      case 'folder':
        return;
    }
  }

  private async actOnPart(
    action: LibvirtAction,
    domain: DomainHandle,
    part: NonNullable<RowId['part']>,
    run: ActionRun,
  ): Promise<void> {
    if (part.kind === 'snapshot' && (action === 'goBack' || action === 'deleteSnapshot'))
      return domains.actOnSnapshot(this.engine, domain, part.name, action, run);
    if (part.kind === 'disk' && action === 'ioLimits') return domains.setIoLimits(this.engine, domain, part.name, run);
  }

  private async actOnDomain(action: LibvirtAction, domain: DomainHandle, run: ActionRun): Promise<void> {
    const { engine } = this;
    switch (action) {
      case 'start':
      case 'shutdown':
      case 'reboot':
      case 'reset':
      case 'destroy':
      case 'wakeUp':
      case 'managedSave':
        return domains.simple(engine, action, domain, run);
      case 'dropManagedSave':
        return domains.simple(engine, 'removeManagedSave', domain, run);
      case 'suspendDomain':
        return suspend(engine, domain, run);
      case 'resume':
        return resume(engine, domain, run);
      case 'attach':
        return domains.attach(engine, domain, run);
      case 'undefine':
        return domains.undefineDomain(engine, domain, run);
      case 'saveToFile':
        return domains.saveToFile(engine, domain, run);
      case 'dumpMemory':
        return domains.dumpMemory(engine, domain, run);
      case 'console':
        run.desk.openTerminal(
          domain.name,
          this.consoles.stream(domain.uuid, () => consoleStream(engine, domain.uuid)),
        );
        return;
      case 'monitorCommand':
        return domains.runMonitorCommand(engine, domain, run);
      case 'snapshot':
        return domains.takeSnapshot(engine, domain, run);
      case 'clone':
        return this.clone(domain, run);
      case 'autostart':
        return domains.toggleAutostart(engine, domain, run);
      case 'balloon':
        return domains.setBalloon(engine, domain, run);
      case 'pinVcpu':
        return domains.pinVcpu(engine, domain, run);
      case 'backup':
        return domains.backUp(engine, domain, run);
      case 'migrate':
        return domains.migrate(engine, domain, run);
      default:
        throw gone();
    }
  }

  private async clone(domain: NamedHandle, run: ActionRun): Promise<void> {
    const value = `${domain.name}-clone`;
    const check = (text: string): string | undefined =>
      text.trim() === '' || text.includes('/') ? 'Give it a name without "/".' : undefined;
    const name = await run.desk.ask(`What shall the clone of ${domain.name} be called?`, { value, check });
    if (name !== undefined) await cloneDomain(this.engine, { ...domain, id: -1 }, name, run);
  }

  private tell(item: string, { kind, key, part }: RowId): void {
    const owner = `${kind}:${key}`;
    const rows = [item, owner, ...(part ? [partId(owner, 'snapshots')] : [])];
    const folders = { domain: 'domains', network: 'networks', pool: 'pools', folder: undefined } as const;
    const folder = folders[kind];
    for (const batch of this.batches) batch.add(...rows, ...(folder ? [folderId(folder)] : []));
  }
}
