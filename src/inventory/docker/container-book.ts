/**
 * The containers of one engine. While events are heard the list is kept and one event costs the reading of one
 * container; otherwise every reading asks the engine.
 */
import { UserError } from '../../common/errors';
import { mapLimited } from '../limited';
import { fromDocker, fromInspect, fromLibpod, type ContainerSummary, type LibpodContainer } from './container-summary';
import type { DockerEngine } from './engine';

/** The list, by full container id. */
export class ContainerBook {
  private kept: Map<string, ContainerSummary> | undefined;
  private isKept = false;
  private changes = 0;

  constructor(private readonly engine: DockerEngine) {}

  /** From now on `refresh` is called for every change, so the list may be kept (or no longer). */
  keep(isKept: boolean): void {
    this.isKept = isKept;
    this.kept = undefined;
  }

  /** All containers, newest first as the engine lists them. */
  async all(signal: AbortSignal | undefined): Promise<readonly ContainerSummary[]> {
    if (this.isKept && this.kept) return [...this.kept.values()];
    const before = this.changes;
    const list = await this.list({}, signal);
    // A list that was under way while something changed may be older than the change.
    if (this.isKept && before === this.changes) this.kept = new Map(list.map((one) => [one.id, one]));
    return list;
  }

  /** All containers as they are at this moment. */
  read(signal: AbortSignal | undefined): Promise<readonly ContainerSummary[]> {
    return this.list({}, signal);
  }

  /** One container, read anew if it is not kept; undefined where the engine has none of that id. */
  async find(id: string, signal: AbortSignal | undefined): Promise<ContainerSummary | undefined> {
    return this.kept?.get(id) ?? (await this.list({ id: [id] }, signal)).find((one) => one.id === id);
  }

  /** Reads these again. Gives what was and what is, where either is known. */
  async refresh(ids: readonly string[]): Promise<readonly (ContainerSummary | undefined)[]> {
    this.changes += 1;
    const kept = this.kept;
    if (!kept || ids.length === 0) return [];
    const before = ids.map((id) => kept.get(id));
    const read = this.engine.isPodman ? await this.list({ id: ids }, undefined) : await this.inspectEach(ids);
    const found = new Map(read.map((one) => [one.id, one]));
    for (const id of ids) {
      const now = found.get(id);
      if (now) kept.set(id, now);
      else kept.delete(id);
    }
    return [...before, ...found.values()];
  }

  private async inspectEach(ids: readonly string[]): Promise<ContainerSummary[]> {
    const read = await mapLimited(ids, 8, async (id) => {
      try {
        return fromInspect(await this.engine.call(undefined, (docker) => docker.getContainer(id).inspect()));
      } catch (error) {
        // Removed since: its row goes.
        if (error instanceof UserError && error.code === 'engine/gone') return undefined;
        throw error;
      }
    });
    return read.filter((one) => one !== undefined);
  }

  private async list(
    filters: Readonly<Record<string, readonly string[]>>,
    signal: AbortSignal | undefined,
  ): Promise<ContainerSummary[]> {
    const query = { all: 'true', filters: JSON.stringify(filters) };
    if (this.engine.isPodman) {
      const path = '/v4.0.0/libpod/containers/json';
      const list = await this.engine.request<LibpodContainer[] | null>({ method: 'GET', path, query }, signal);
      return (list ?? []).map(fromLibpod);
    }
    const list = await this.engine.call(signal, (docker) =>
      docker.listContainers({ all: true, filters: query.filters, ...(signal && { abortSignal: signal }) }),
    );
    return list.map(fromDocker);
  }
}
