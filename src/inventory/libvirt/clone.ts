/** A copy of a domain: a new name and UUID, new MAC addresses, its disks' volumes copied in their pools. */
import type { ActionRun } from '../provider';
import { defineDomain, XML, xmlOf } from './domain-calls';
import type { LibvirtEngine } from './engine';
import type { DomainHandle } from './handles';
import { copyVolume, listPools, volumeAt, volumePath, volumeXml } from './storage-calls';
import { changeXml, child, childrenOf, escapeXml, readXml, type XmlChange, type XmlElement } from './xml';

/** Clones the domain, which must not run. */
export async function cloneDomain(
  engine: LibvirtEngine,
  domain: DomainHandle,
  name: string,
  { signal, progress }: ActionRun,
): Promise<void> {
  const document = await xmlOf(engine, domain, XML.inactive | XML.secure, { signal });
  const root = readXml(document);
  const changes: XmlChange[] = [];
  const drop = (element: XmlElement | undefined): unknown =>
    element && changes.push({ start: element.start, end: element.end, text: '' });
  const label = child(root, 'name');
  if (label) changes.push({ start: label.innerStart, end: label.innerEnd, text: escapeXml(name) });
  drop(child(root, 'uuid'));
  drop(child(root, 'os', 'nvram'));
  const devices = child(root, 'devices');
  for (const nic of childrenOf(devices, 'interface')) {
    drop(child(nic, 'mac'));
    drop(child(nic, 'target'));
  }
  const disks = childrenOf(devices, 'disk').filter(({ attributes }) => (attributes['device'] ?? 'disk') === 'disk');
  for (const [index, disk] of disks.entries()) {
    signal.throwIfAborted();
    const source = child(disk, 'source');
    const file = source?.attributes['file'] ?? source?.attributes['dev'];
    // What can be shared is.
    if (!source || file === undefined || child(disk, 'readonly') || child(disk, 'shareable')) continue;
    progress(`Copying ${child(disk, 'target')?.attributes['dev'] ?? 'a disk'}`, index / disks.length);
    const copy = await copyDisk(engine, file, name, signal);
    const before = document.slice(source.start, source.end);
    changes.push({ start: source.start, end: source.end, text: replaceFile(before, escapeXml(copy)) });
  }
  await defineDomain(engine, changeXml(document, changes), { signal });
}

const replaceFile = (element: string, path: string): string =>
  element.replace(/\b(file|dev)=("[^"]*"|'[^']*')/, (_, attribute: string) => `${attribute}='${path}'`);

/** Copies the volume whose file that is; gives the copy's path. Rejects where it lies in no pool. */
async function copyDisk(engine: LibvirtEngine, file: string, name: string, signal: AbortSignal): Promise<string> {
  const volume = await volumeAt(engine, file, { signal });
  const pool = (await listPools(engine, { signal })).find((one) => one.name === volume.pool);
  const document = await volumeXml(engine, volume, { signal });
  const root = readXml(document);
  const label = child(root, 'name');
  const ending = /\.[a-z0-9]+$/i.exec(volume.name)?.[0] ?? '';
  // The name becomes a file's: nothing in it may lead elsewhere.
  const copy = `${name.replace(/[^\w.-]/g, '_')}-${volume.name.slice(0, volume.name.length - ending.length)}${ending}`;
  const changes = [child(root, 'key'), child(root, 'target', 'path')].flatMap((element): XmlChange[] =>
    element ? [{ start: element.start, end: element.end, text: '' }] : [],
  );
  if (label) changes.push({ start: label.innerStart, end: label.innerEnd, text: escapeXml(copy) });
  const made = await copyVolume(
    engine,
    volume,
    pool ?? { name: volume.pool, uuid: '0'.repeat(32) },
    changeXml(document, changes),
  );
  return volumePath(engine, made, { signal });
}
