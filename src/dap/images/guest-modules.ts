/**
 * The modules that a Linux guest has loaded, as programs of the session: their symbols, types and unwind data are read out of
 * the guest itself, at the moments when the kernel loads and unloads them; lines and variables come from their own files,
 * where those are here.
 */
import { type LinuxGuest } from '../../guest/linux/guest-struct';
import { ModuleSymbolFile, readModuleContents } from '../../guest/linux/module-symbol-file';
import { type LinuxModule, MODULE_EVENTS, moduleAt, readModules } from '../../guest/linux/modules';
import type { ReadLinear } from '../../symbols/kernel/linear-memory';
import { Image } from './image';
import { ModuleFiles } from './module-files';
import { openModuleFile } from './open-image';

/** Where a kernel stands when its modules change: linear addresses. */
export interface ModuleEvents {
  readonly loaded: bigint;
  readonly unloading: bigint;
}

/** What has changed. */
export interface ModuleChanges {
  readonly added: readonly Image[];
  readonly removed: readonly Image[];
}

export class GuestModules {
  /** Where their files may be. */
  files = new ModuleFiles([], [], []);
  private readonly images = new Map<string, Image>();
  private readonly refused = new Set<string>();

  /** Where to stop to hear of modules; undefined while no kernel is found that has types and modules. */
  events(kernel: Image | undefined): ModuleEvents | undefined {
    const [loaded, unloading] = [MODULE_EVENTS.loaded, MODULE_EVENTS.unloading].map((name) => placeOf(kernel, name));
    return loaded !== undefined && unloading !== undefined && kernel?.btf ? { loaded, unloading } : undefined;
  }

  /** Compares with what the guest has now; `unloading` is the `struct module` that is about to go. */
  async refresh(kernel: Image, read: ReadLinear, unloading?: bigint): Promise<ModuleChanges> {
    const guest = guestOf(kernel, read);
    const there = guest && (await readModules(guest));
    if (!guest || !there) return { added: [], removed: [] };
    const going = unloading === undefined ? undefined : (await moduleAt(guest, unloading))?.key;
    const listed = new Map(there.filter(({ key }) => key !== going).map((module) => [module.key, module] as const));
    const removed = [...this.images].filter(([key]) => !listed.has(key));
    for (const [key, image] of removed) {
      image.close();
      this.images.delete(key);
    }
    const added: Image[] = [];
    for (const [key, module] of listed) {
      if (this.images.has(key) || this.refused.has(key)) continue;
      const image = await this.imageOf(module, kernel);
      if (!image) this.refused.add(key);
      else {
        this.images.set(key, image);
        added.push(image);
      }
    }
    return { added, removed: removed.map(([, image]) => image) };
  }

  /** The guest starts again: gives the programs that are no longer there. */
  clear(): readonly Image[] {
    const all = [...this.images.values()];
    all.forEach((image) => image.close());
    this.images.clear();
    this.refused.clear();
    return all;
  }

  private async imageOf(module: LinuxModule, kernel: Image): Promise<Image | undefined> {
    const contents = await readModuleContents(module, { orc: kernel.orc, types: kernel.btf });
    if (!contents) return undefined;
    const { orc, types, buildId } = contents;
    const path = buildId === undefined ? undefined : this.files.find(module.name, buildId);
    // What is told of initial code stays when its memory is another's.
    const there = contents.sections.filter(({ address }) => module.covers(address));
    const file = path && openModuleFile(path, new Map(there.map(({ name, address }) => [name, address])));
    const image = new Image({
      name: module.name,
      path: path ?? kernel.path,
      symbols: file ? file.symbols : new ModuleSymbolFile(module, contents),
      loaded: module.parts,
      orc: () => orc,
      btf: () => types,
      close: () => file && file.close(),
    });
    // Its symbols lie where they say.
    image.slide = 0n;
    const other = file ? undefined : this.files.named(module.name);
    if (other)
      image.remark(`${other} is not the module that the guest has loaded: its lines and variables are left out.`);
    return image;
  }
}

function guestOf(kernel: Image, read: ReadLinear): LinuxGuest | undefined {
  const types = kernel.btf;
  return types && { read, types, symbol: (name) => placeOf(kernel, name) };
}

function placeOf(kernel: Image | undefined, name: string): bigint | undefined {
  const symbol = kernel?.symbols.symbolsByName(name)[0];
  return symbol && kernel?.linear(symbol.address);
}
