/**
 * QEMU's firmware configuration device: a 16-bit selector and an 8-bit data port over items and named files.
 * Source: QEMU, docs/specs/fw_cfg.
 *
 * NOT IMPLEMENTED: the DMA interface (bit 1 of the ID item reads 0), writes to items.
 */
import { assert } from '../common/assert';
import type { BusSize, BusTarget } from '../memory/bus';
import { floatingBus } from './byte-ports';
import { register } from './describe';
import type { Device, DeviceDescription } from './device';
import { requireVersion } from './snapshot';

/** Snapshot of the ports; the items are the board's configuration and come from it again. */
export interface FwCfgState {
  readonly version: 1;
  readonly selector: number;
  readonly position: number;
}

const KEY_SIGNATURE = 0x00;
const KEY_ID = 0x01;
const KEY_FILE_DIR = 0x19;
const KEY_FILE_FIRST = 0x20;
const FEATURE_TRADITIONAL = 1;
const NAME_BYTES = 56;
const ENTRY_BYTES = 64;
const MAX_FILES = 0x1000;
/** Bit 14 marked writes in old versions and is ignored; bit 15 selects items of the architecture. */
const SELECTOR_MASK = 0xbfff;

/** The device. */
export class FwCfg implements Device<FwCfgState> {
  /** Selector at +0 (2 bytes, little-endian, write only), data at +1 (1 byte). Further offsets answer nothing. */
  readonly ports: BusTarget;
  private readonly items = new Map<number, Uint8Array>();
  private readonly files: { name: string; data: Uint8Array }[] = [];
  private selector = 0;
  private position = 0;

  constructor() {
    this.items.set(KEY_SIGNATURE, ascii('QEMU'));
    this.items.set(KEY_ID, Uint8Array.of(FEATURE_TRADITIONAL, 0, 0, 0));
    this.buildDirectory();
    this.ports = {
      read: (offset, size) => this.read(offset, size),
      peek: (offset, size) => (isData(offset, size) ? this.byteAt(this.position) : floatingBus(size)),
      write: (offset, size, value) => {
        if (offset === 0 && size === 2) this.select(value);
      },
    };
  }

  reset(): void {
    this.selector = this.position = 0;
  }

  /** Sets the item `key` (such as 0x05, the number of processors); its bytes are read as they are. */
  setItem(key: number, data: Uint8Array): void {
    this.items.set(key & SELECTOR_MASK, data);
  }

  /** Adds the file `name` (ASCII, at most 55 characters); the directory is sorted by name. */
  addFile(name: string, data: Uint8Array): void {
    assert(name.length < NAME_BYTES && this.files.length < MAX_FILES, `fw_cfg file ${name} does not fit the directory`);
    this.files.push({ name, data });
    this.files.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.buildDirectory();
  }

  private buildDirectory(): void {
    const directory = new Uint8Array(4 + ENTRY_BYTES * this.files.length);
    const view = new DataView(directory.buffer);
    view.setUint32(0, this.files.length);
    this.files.forEach(({ name, data }, i) => {
      const entry = 4 + ENTRY_BYTES * i;
      view.setUint32(entry, data.length);
      view.setUint16(entry + 4, KEY_FILE_FIRST + i);
      directory.set(ascii(name), entry + 8);
      this.items.set(KEY_FILE_FIRST + i, data);
    });
    this.items.set(KEY_FILE_DIR, directory);
  }

  private select(key: number): void {
    this.selector = key & SELECTOR_MASK;
    this.position = 0;
  }

  private read(offset: number, size: BusSize): number {
    if (!isData(offset, size)) return floatingBus(size);
    const value = this.byteAt(this.position);
    // Past the item's end every byte reads 0: the position need not grow without bound.
    if (this.position < (this.items.get(this.selector)?.length ?? 0)) this.position++;
    return value;
  }

  private byteAt(position: number): number {
    return this.items.get(this.selector)?.[position] ?? 0;
  }

  save(): FwCfgState {
    return { version: 1, selector: this.selector, position: this.position };
  }

  restore(state: FwCfgState): void {
    requireVersion(state, 1, 'fw-cfg');
    this.selector = state.selector;
    this.position = state.position;
  }

  describe(): DeviceDescription {
    return {
      name: 'fw-cfg',
      title: 'QEMU firmware configuration',
      registers: [
        register('selector', 16, 'port +0', this.selector),
        register('position', 32, 'internal', this.position, undefined, 'of the next data byte'),
        register('data', 8, 'port +1', this.byteAt(this.position)),
        register('files', 16, 'item 0x19', this.files.length),
      ],
    };
  }
}

function isData(offset: number, size: BusSize): boolean {
  return offset === 1 && size === 1;
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0x7f);
}
