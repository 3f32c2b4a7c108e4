// Guests with two modules, as kernels of several ages have them in memory.
import type { LinuxGuest } from '../../../src/guest/linux/guest-struct';
import { Bytes } from '../../symbols/elf-image';
import { btfImage, stringsOf } from '../../symbols/kernel/btf-image';
import { GuestImage } from './guest-image';

/** What an age of Linux does differently. */
export interface Age {
  readonly word: 4 | 8;
  /** `core_layout` and `init_layout`, or `mem`. */
  readonly memory: 'layouts' | 'mem';
  /** Whether attributes say how many they are, or a list of pointers does. */
  readonly attributes: 'counted' | 'listed';
}

export const AGES: Readonly<Record<string, Age>> = {
  '6.1': { word: 8, memory: 'layouts', attributes: 'counted' },
  '6.4': { word: 8, memory: 'mem', attributes: 'counted' },
  '6.14': { word: 8, memory: 'mem', attributes: 'listed' },
  '6.1, 32 bits': { word: 4, memory: 'layouts', attributes: 'counted' },
};

/** The image of a kernel, and where things lie in it. */
export interface ModuleImage {
  readonly image: GuestImage;
  readonly guest: LinuxGuest;
  readonly symbols: Readonly<Record<string, bigint>>;
  /** Where the two modules lie: the structures, and the code of the first one. */
  readonly first: bigint;
  readonly second: bigint;
  readonly text: bigint;
  readonly initText: bigint;
}

/** The build id of the first module. */
export const BUILD_ID = 'c0ffee00';

/** Builds the guest. */
export function moduleImage({ word, memory, attributes }: Age): ModuleImage {
  const top = word === 8 ? 0xffff_ffff_0000_0000n : 0n;
  const at = (offset: number): bigint => top + BigInt(offset);
  const image = new GuestImage(word);
  defineTypes(image, memory, attributes);
  const [first, second] = [at(0xc020_1000), at(0xc030_1000)];
  const [text, rest, initText] = [at(0xc020_0000), at(0xc020_4000), at(0xc021_0000)];
  const list = at(0xc100_0000);
  const node = (module: bigint): bigint => module + BigInt(image.offsetOf('module', 'list'));
  image.words(list, [node(first), node(second)]);

  // Symbols: none, code, data, a constant, one from elsewhere, initial code.
  const names = '\0probe\0table\0limit\0printk\0start\0';
  const strings = image.text(rest, names);
  const entries = [
    ['', 0n, 0],
    ['probe', text + 0x40n, 1],
    ['table', rest + 0x20n, 2],
    ['limit', 0x33n, 0xfff1],
    ['printk', 0n, 0],
    ['start', initText + 8n, 3],
    ['', text, 1],
  ] as const;
  const symbolBytes = new Bytes();
  for (const [name, value, section] of entries) {
    symbolBytes.number(name === '' ? 0 : names.indexOf(`\0${name}\0`) + 1, 4);
    if (word === 8) symbolBytes.u8(0, 0).number(section, 2).number(value, 8).number(0, 8);
    else symbolBytes.number(value, 4).number(0, 4).u8(0, 0).number(section, 2);
  }
  const symtab = image.put(at(0xc021_1000), symbolBytes.finish());
  const typetab = image.put(at(0xc021_2000), Uint8Array.from(Buffer.from('ATdaUtt', 'latin1')));
  const kallsyms = image.object('mod_kallsyms', at(0xc021_3000), {
    symtab,
    num_symtab: BigInt(entries.length),
    strtab: strings,
    typetab,
  });

  const notes = new Bytes().number(4, 4).number(4, 4).number(3, 4).text('GNU').u8(0xc0, 0xff, 0xee, 0).finish();
  const note = image.put(rest + 0x800n, notes);
  const linux = image.put(
    rest + 0x900n,
    new Bytes().number(6, 4).number(0, 4).number(0x100, 4).text('Linux').u8(0, 0).finish(),
  );
  const sections = putAttributes(image, attributes, at(0xc022_0000), 'module_sect_attrs', [
    ['.text', text, 0],
    ['.data', rest, 0],
    ['.init.text', initText, 0],
  ]);
  const noteAttributes = putAttributes(image, attributes, at(0xc022_8000), 'module_notes_attrs', [
    ['.note.Linux', linux, 20],
    ['.note.gnu.build-id', note, notes.length],
  ]);

  // Two entries of Linux 6.4: a call with 16 bytes on the stack, and the end of the code.
  const ips = at(0xc021_4000);
  const ip = new Bytes()
    .number(BigInt.asUintN(32, text + 0x40n - ips), 4)
    .number(BigInt.asUintN(32, text + 0x60n - ips - 4n), 4);
  image.put(ips, ip.finish());
  const orcs = image.put(
    at(0xc021_5000),
    new Bytes().number(16, 2).number(0, 2).number(0x205, 2).number(0, 6).finish(),
  );

  const parts: Record<string, bigint> =
    memory === 'mem'
      ? {
          'mem[0].base': text,
          'mem[0].size': 0x1000n,
          'mem[1].base': rest,
          'mem[1].size': 0x2000n,
          'mem[4].base': initText,
          'mem[4].size': 0x100n,
        }
      : {
          'core_layout.base': text,
          'core_layout.size': 0x6000n,
          'core_layout.text_size': 0x1000n,
          'init_layout.base': initText,
          'init_layout.size': 0x100n,
          'init_layout.text_size': 0x100n,
        };
  const module = {
    ...parts,
    state: 1n,
    name: 'first',
    'list.next': node(second),
    'list.prev': list,
    kallsyms,
    sect_attrs: sections,
    notes_attrs: noteAttributes,
    'arch.num_orcs': 2n,
    'arch.orc_unwind_ip': ips,
    'arch.orc_unwind': orcs,
  };
  image.object('module', first, module);
  image.object('module', second, { state: 0n, name: 'second', 'list.next': list, 'list.prev': node(first) });

  const kernelBtf = image.btf;
  const own = btfImage([{ kind: 'struct', name: 'own', size: 4, members: [['value', 3, 0]] }], stringsOf(kernelBtf));
  const data = image.put(at(0xc040_0000), own);
  const btf = image.object('btf', at(0xc040_1000), { data, data_size: BigInt(own.length), base_id_map: 0n });
  const modules = at(0xc100_0100);
  const entry = at(0xc040_2000);
  image.words(modules, [entry, entry]);
  image.object('btf_module', entry, { 'list.next': modules, 'list.prev': modules, module: first, btf });

  const symbols = { modules: list, btf_modules: modules };
  const guest = {
    read: image.read,
    types: image.types,
    symbol: (name: string) => (symbols as Record<string, bigint>)[name],
  };
  return { image, guest, symbols, first, second, text, initText };
}

function defineTypes(image: GuestImage, memory: Age['memory'], attributes: Age['attributes']): void {
  image.enumeration('module_state', {
    MODULE_STATE_LIVE: 0n,
    MODULE_STATE_COMING: 1n,
    MODULE_STATE_GOING: 2n,
    MODULE_STATE_UNFORMED: 3n,
  });
  image.enumeration('mod_mem_type', {
    MOD_TEXT: 0n,
    MOD_DATA: 1n,
    MOD_RODATA: 2n,
    MOD_RO_AFTER_INIT: 3n,
    MOD_INIT_TEXT: 4n,
    MOD_INIT_DATA: 5n,
    MOD_INIT_RODATA: 6n,
    MOD_MEM_NUM_TYPES: 7n,
    MOD_INVALID: 0xffff_ffffn,
  });
  image.structure('list_head', { next: 'pointer', prev: 'pointer' });
  image.structure('attribute', { name: 'pointer', mode: 'u32' });
  image.structure('attribute_group', { name: 'pointer', bin_attrs: 'pointer' });
  image.structure('bin_attribute', { attr: 'attribute', size: 'word', private: 'pointer', read: 'pointer' });
  image.structure('module_sect_attr', { battr: 'bin_attribute', address: 'word' });
  if (attributes === 'counted') {
    image.structure('module_sect_attrs', { grp: 'attribute_group', nsections: 'u32', attrs: 'module_sect_attr[]' });
    image.structure('module_notes_attrs', { dir: 'pointer', notes: 'u32', attrs: 'bin_attribute[]' });
  } else {
    image.structure('module_sect_attrs', { grp: 'attribute_group', attrs: 'bin_attribute[]' });
    image.structure('module_notes_attrs', { grp: 'attribute_group', attrs: 'bin_attribute[]' });
  }
  image.structure('mod_kallsyms', { symtab: 'pointer', num_symtab: 'u32', strtab: 'pointer', typetab: 'pointer' });
  image.structure('module_layout', { base: 'pointer', size: 'u32', text_size: 'u32' });
  image.structure('module_memory', { base: 'pointer', is_rox: 'u8', size: 'u32' });
  image.structure('mod_arch_specific', { num_orcs: 'u32', orc_unwind_ip: 'pointer', orc_unwind: 'pointer' });
  image.structure('module', {
    state: 'module_state',
    list: 'list_head',
    name: `char[${64 - image.word}]`,
    ...(memory === 'mem'
      ? { mem: 'module_memory[7]' }
      : { core_layout: 'module_layout', init_layout: 'module_layout' }),
    arch: 'mod_arch_specific',
    kallsyms: 'pointer:mod_kallsyms',
    sect_attrs: 'pointer:module_sect_attrs',
    notes_attrs: 'pointer:module_notes_attrs',
  });
  image.structure('btf', { data: 'pointer', data_size: 'u32', base_id_map: 'pointer' });
  image.structure('btf_module', { list: 'list_head', module: 'pointer:module', btf: 'pointer:btf' });
}

/** Attributes, the names of which lie behind them. */
function putAttributes(
  image: GuestImage,
  kind: Age['attributes'],
  at: bigint,
  name: 'module_sect_attrs' | 'module_notes_attrs',
  attributes: readonly (readonly [name: string, address: bigint, size: number])[],
): bigint {
  const isSection = name === 'module_sect_attrs' && kind === 'counted';
  const element = isSection ? 'module_sect_attr' : 'bin_attribute';
  const size = image.sizeOf(element);
  const head = image.sizeOf(name);
  const inner = isSection ? 'battr.' : '';
  const parts = attributes.map(([label, address, length], index) => ({
    [`${inner}attr.name`]: image.text(at + 0x1000n + BigInt(0x40 * index), label),
    [`${inner}size`]: BigInt(length),
    ...(isSection ? { address } : { [`${inner}private`]: address }),
  }));
  const bytes = new Uint8Array(head + size * attributes.length);
  if (kind === 'counted') {
    const count = name === 'module_sect_attrs' ? 'nsections' : 'notes';
    bytes.set(image.bytesOf(name, { [count]: BigInt(attributes.length) }));
  } else {
    const pointers = attributes.map((_, index) => at + BigInt(head + size * index));
    bytes.set(image.bytesOf(name, { 'grp.bin_attrs': image.words(at + 0x2000n, [...pointers, 0n]) }));
  }
  parts.forEach((part, index) => bytes.set(image.bytesOf(element, part), head + size * index));
  return image.put(at, bytes);
}
