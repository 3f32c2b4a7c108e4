/**
 * A module's own BTF, of which the kernel keeps a copy in a list of its own, since `btf_data` of `struct module` ends with
 * the module's start. Source: Linux kernel/bpf/btf.c (`btf_module_notify`). NOT IMPLEMENTED: modules built outside of their
 * kernel's tree, whose types stand on a part of the kernel's (`base_id_map`, from 6.11 on).
 */
import { Btf } from '../../symbols/kernel/btf';
import { readAll } from '../../symbols/kernel/linear-memory';
import { GuestStruct, type LinuxGuest, structBehind, structNamed } from './guest-struct';
import { readList } from './list';

/** The most types that a module can have, bytes. */
const MAX_BTF = 0x100_0000;

/** The types of the module whose `struct module` lies at an address, on top of the kernel's. Throws the `damaged` error. */
export async function readModuleTypes(guest: LinuxGuest, module: bigint, kernel: Btf): Promise<Btf | undefined> {
  const list = guest.symbol('btf_modules');
  const type = structNamed(guest, 'btf_module');
  const btfType = type && structBehind(guest, type, 'btf');
  if (list === undefined || !type || !btfType) return undefined;
  for await (const entry of readList(guest, list, type, 'list')) {
    const at = entry.number('module') === module ? entry.number('btf') : undefined;
    if (!at) continue;
    const btf = await GuestStruct.read(guest.read, btfType, at);
    const data = btf?.number('data');
    const size = Number(btf?.number('data_size') ?? 0n);
    if (!data || size === 0 || size > MAX_BTF || btf?.number('base_id_map')) return undefined;
    const bytes = await readAll(guest.read, data, size);
    return bytes && new Btf(bytes, kernel);
  }
  return undefined;
}
