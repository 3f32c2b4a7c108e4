/** What a domain's XML says of its parts. Source: libvirt.org, "Domain XML format". */
import { child, childrenOf, readXml, type XmlElement } from './xml';

/** A disk, a CD-ROM, a floppy. */
export interface Disk {
  /** Its name in the guest as libvirt has it: `vda`. */
  readonly target: string;
  readonly device: string;
  readonly bus: string;
  readonly format: string;
  /** File, block device, or volume. */
  readonly source: string;
  readonly isReadOnly: boolean;
}

export interface Nic {
  readonly mac: string;
  /** `network`, `bridge`, `user`, ... */
  readonly type: string;
  readonly source: string;
  readonly model: string;
  /** The device on the host while it runs. */
  readonly target: string;
  readonly vlans: readonly string[];
}

/** A serial line or a console. */
export interface Line {
  readonly kind: 'serial' | 'console';
  readonly type: string;
  readonly alias: string;
  readonly path: string;
}

export interface Graphics {
  readonly type: string;
  readonly port: string;
  readonly listen: string;
}

export interface DomainFacts {
  readonly type: string;
  readonly name: string;
  readonly title: string;
  readonly osType: string;
  readonly kernel: string;
  readonly emulator: string;
  readonly disks: readonly Disk[];
  readonly nics: readonly Nic[];
  readonly lines: readonly Line[];
  readonly graphics: readonly Graphics[];
}

const attribute = (element: XmlElement | undefined, name: string): string => element?.attributes[name] ?? '';

/** Reads a domain's XML. Throws a UserError where it cannot be read. */
export function domainFacts(xml: string): DomainFacts {
  const root = readXml(xml);
  const devices = child(root, 'devices');
  const text = (...path: string[]): string => child(root, ...path)?.text.trim() ?? '';
  const lines = (['serial', 'console'] as const).flatMap((kind) =>
    childrenOf(devices, kind).map((one) => ({
      kind,
      type: attribute(one, 'type'),
      alias: attribute(child(one, 'alias'), 'name'),
      path: attribute(child(one, 'source'), 'path') || attribute(one, 'tty'),
    })),
  );
  return {
    type: attribute(root, 'type'),
    name: text('name'),
    title: text('title'),
    osType: text('os', 'type'),
    kernel: text('os', 'kernel'),
    emulator: text('devices', 'emulator'),
    disks: childrenOf(devices, 'disk').map(diskOf),
    nics: childrenOf(devices, 'interface').map(nicOf),
    lines,
    graphics: childrenOf(devices, 'graphics').map((one) => ({
      type: attribute(one, 'type'),
      port: attribute(one, 'port'),
      listen: attribute(one, 'listen') || attribute(child(one, 'listen'), 'address'),
    })),
  };
}

/** The source of a disk's image, whatever kind it is. */
export const sourceOf = (disk: XmlElement): string => {
  const source = child(disk, 'source');
  const { file, dev, dir, volume, pool, name } = source?.attributes ?? {};
  return file ?? dev ?? dir ?? (volume === undefined ? name : `${pool}/${volume}`) ?? '';
};

const diskOf = (disk: XmlElement): Disk => ({
  target: attribute(child(disk, 'target'), 'dev'),
  device: attribute(disk, 'device') || 'disk',
  bus: attribute(child(disk, 'target'), 'bus'),
  format: attribute(child(disk, 'driver'), 'type'),
  source: sourceOf(disk),
  isReadOnly: child(disk, 'readonly') !== undefined,
});

function nicOf(nic: XmlElement): Nic {
  const { network, bridge, dev, address } = child(nic, 'source')?.attributes ?? {};
  return {
    mac: attribute(child(nic, 'mac'), 'address'),
    type: attribute(nic, 'type'),
    source: network ?? bridge ?? dev ?? address ?? '',
    model: attribute(child(nic, 'model'), 'type'),
    target: attribute(child(nic, 'target'), 'dev'),
    vlans: childrenOf(child(nic, 'vlan'), 'tag').map((tag) => attribute(tag, 'id')),
  };
}

/** A snapshot's XML: when it was taken, in what state, and out of which it grew. */
export interface SnapshotFacts {
  readonly name: string;
  readonly description: string;
  readonly state: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly parent?: string | undefined;
}

export function snapshotFacts(xml: string): SnapshotFacts {
  const root = readXml(xml);
  const text = (...path: string[]): string => child(root, ...path)?.text.trim() ?? '';
  return {
    name: text('name'),
    description: text('description'),
    state: text('state'),
    created: Number(text('creationTime')) || 0,
    parent: child(root, 'parent', 'name')?.text,
  };
}

/** Title and facts of a network's XML. */
export function networkFacts(xml: string): {
  readonly bridge: string;
  readonly forward: string;
  readonly addresses: readonly string[];
} {
  const root = readXml(xml);
  const forward = child(root, 'forward');
  return {
    bridge: attribute(child(root, 'bridge'), 'name'),
    forward: forward ? attribute(forward, 'mode') || 'nat' : 'isolated',
    addresses: childrenOf(root, 'ip').map((ip) => {
      const mask = attribute(ip, 'prefix') || attribute(ip, 'netmask');
      return `${attribute(ip, 'address')}${mask === '' ? '' : `/${mask}`}`;
    }),
  };
}

export const poolFacts = (xml: string): { readonly type: string; readonly path: string } => {
  const root = readXml(xml);
  return { type: attribute(root, 'type'), path: child(root, 'target', 'path')?.text.trim() ?? '' };
};
