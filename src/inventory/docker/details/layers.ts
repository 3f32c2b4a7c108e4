/**
 * A root file system as a stack of layers: the writable one on top, Docker's init layer, then the image's read-only ones.
 * Source: the kernel's overlayfs (lowerdir lists the topmost first); Docker Engine API 1.41, GraphDriver and history.
 */
import type { ContainerInspectInfo, ImageInspectInfo } from 'dockerode';
import { diskSize } from '../../amounts';
import type { DetailSection } from '../../provider';
import type { DockerEngine } from '../engine';

/** One entry of an image's history, the newest first. */
interface HistoryEntry {
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Comment?: string;
}

/** The layers of a container. Folders are those of the engine's host. */
export async function layerSection(
  engine: DockerEngine,
  info: ContainerInspectInfo & { SizeRw?: number },
  signal: AbortSignal,
): Promise<DetailSection> {
  const history = await historyOf(engine, info.Image, signal).catch(() => []);
  const data = (info.GraphDriver?.Data ?? {}) as { UpperDir?: string; LowerDir?: string };
  const lower = (data.LowerDir ?? '').split(':').filter((folder) => folder !== '');
  const isInit = (folder: string): boolean => /-init\/diff$/.test(folder);
  const readOnly = lower.filter((folder) => !isInit(folder));
  const sizes = sizesOf(history, readOnly.length);
  const rows: string[][] = [];
  if (data.UpperDir !== undefined) {
    rows.push(['writable', info.SizeRw === undefined ? '' : diskSize(info.SizeRw), data.UpperDir]);
  }
  for (const folder of lower.filter(isInit)) rows.push(['init', '', folder]);
  readOnly.forEach((folder, index) => rows.push(['read-only', sizes[index] ?? '', folder]));
  return {
    title: `Layers (${info.GraphDriver?.Name ?? 'unknown driver'})`,
    columns: ['layer', 'size', 'folder'],
    rows,
  };
}

/** Sizes of the layers, topmost first. Steps that made no files have no layer: without them the counts must agree. */
function sizesOf(history: readonly HistoryEntry[], layers: number): readonly string[] {
  const made = history.length === layers ? history : history.filter(({ Size }) => Size > 0);
  return made.length === layers ? made.map(({ Size }) => diskSize(Size)) : [];
}

/** What is known of an image. */
export async function imageDetails(
  engine: DockerEngine,
  id: string,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  const [info, history] = await Promise.all([
    engine.call(signal, (docker) => docker.getImage(id).inspect()),
    historyOf(engine, id, signal),
  ]);
  return [imageSummary(info), historySection(history), layerIds(info)];
}

const historyOf = (engine: DockerEngine, id: string, signal: AbortSignal): Promise<HistoryEntry[]> =>
  engine.request({ method: 'GET', path: `/images/${encodeURIComponent(id)}/history` }, signal);

function imageSummary({
  Id,
  RepoTags,
  Created,
  Architecture,
  Os,
  Size,
  Config,
  GraphDriver,
}: ImageInspectInfo): DetailSection {
  const list = (value: string | readonly string[] | null | undefined): string => [value ?? []].flat().join(' ');
  return {
    title: 'Image',
    columns: [],
    rows: [
      ['id', Id],
      ['tags', list(RepoTags)],
      ['created', Created],
      ['platform', `${Os}/${Architecture}`],
      ['size', diskSize(Size)],
      ['entry point', list(Config.Entrypoint)],
      ['command', list(Config.Cmd)],
      ['user', Config.User || 'root'],
      ['ports', Object.keys(Config.ExposedPorts ?? {}).join(' ')],
      ['storage', GraphDriver?.Name ?? ''],
    ].filter(([, value]) => value !== ''),
  };
}

const historySection = (history: readonly HistoryEntry[]): DetailSection => ({
  title: 'History, newest first',
  columns: ['size', 'made by'],
  rows: history.map(({ Size, CreatedBy, Comment }) => [diskSize(Size), CreatedBy || (Comment ?? '')]),
});

const layerIds = ({ RootFS }: ImageInspectInfo): DetailSection => ({
  title: 'Layers, lowest first',
  columns: ['digest of the uncompressed layer'],
  rows: (RootFS?.Layers ?? []).map((digest) => [digest]),
});
