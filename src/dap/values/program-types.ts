/** The types of all programs in the guest together, their per-CPU variables, and the variables in scope at an instruction. */
import { unlessDamaged } from '../../symbols/byte-reader';
import type { ExpressionNames } from '../../symbols/expression/names';
import type { FunctionScope, Variable } from '../../symbols/types/place';
import type { TypeSource } from '../../symbols/types/type';
import type { Image } from '../images/image';
import type { Images } from '../images/images';

/** Between these symbols lie the variables that every processor has a copy of. Linux, arch/x86/kernel/vmlinux.lds.S. */
const PER_CPU_START = '__per_cpu_start';
const PER_CPU_END = '__per_cpu_end';
/** Addresses below are no kernel's: its per-CPU variables are linked from 0 on and do not move with it. */
const LOWEST_KERNEL = 1n << 32n;

/**
 * Structures of Linux's variables that everybody looks at, for kernels that carry BTF alone: it tells the types of no
 * variables but the per-CPU ones. Linux, include/linux/{init_task,sched,mm_types,pid_namespace,cred,nsproxy,utsname}.h.
 */
const LINUX_STRUCTURES: ReadonlyMap<string, string> = new Map([
  ['init_task', 'task_struct'],
  ['init_mm', 'mm_struct'],
  ['init_pid_ns', 'pid_namespace'],
  ['init_cred', 'cred'],
  ['init_nsproxy', 'nsproxy'],
  ['init_uts_ns', 'uts_namespace'],
  ['init_user_ns', 'user_namespace'],
  ['init_net', 'net'],
  ['init_fs', 'fs_struct'],
  ['init_files', 'files_struct'],
  ['boot_cpu_data', 'cpuinfo_x86'],
  ['modules', 'list_head'],
  ['super_blocks', 'list_head'],
]);

/** The types of the programs: the first one that knows a name says it. Damaged types count as missing. */
export function programTypes(images: Pick<Images, 'all'>): TypeSource {
  const first = <T>(ask: (types: TypeSource, image: Image) => T | undefined): T | undefined => {
    for (const image of images.all) {
      const found = image.attempt(() => image.symbols.types && ask(image.symbols.types, image));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    typeNamed: (kind, name) => first((types) => types.typeNamed(kind, name)),
    typeNames: (prefix, limit) => {
      const names = images.all.flatMap(
        (image) => image.attempt(() => image.symbols.types?.typeNames(prefix, limit)) ?? [],
      );
      return [...new Set(names)].sort().slice(0, limit);
    },
    typeOfSymbol: (name, linear) => {
      const structure = LINUX_STRUCTURES.get(name);
      const told = first((types, image) =>
        types.typeOfSymbol(name, linear === undefined ? linear : image.link(linear)),
      );
      if (told || structure === undefined) return told;
      return first((types) => types.typeNamed('struct', structure));
    },
    enumerator: (name) => first((types) => types.enumerator?.(name)),
  };
}

/** Where a per-CPU variable lies in each processor's area; undefined for what is none. See `ExpressionNames`. */
export function perCpuOffset(images: Pick<Images, 'all'>, name: string): bigint | undefined {
  for (const image of images.all) {
    const { symbols } = image;
    const [start, end] = [PER_CPU_START, PER_CPU_END].map((one) => symbols.symbolsByName(one)[0]?.address);
    if (start === undefined || end === undefined) continue;
    const found = symbols.symbolsByName(name).find(({ address }) => start <= address && address < end);
    if (found) return found.address < LOWEST_KERNEL ? found.address : image.linear(found.address);
  }
  return undefined;
}

/** Looks up variables of a function by name, the innermost block's first. */
export function localsOf(scope: FunctionScope | undefined): NonNullable<ExpressionNames['local']> {
  let byName: ReadonlyMap<string, Variable> | undefined;
  return (name) => {
    byName ??= new Map(variablesOf(scope).map((variable) => [variable.name, variable]));
    return byName.get(name);
  };
}

/** The variables of a function as far as the debug information is whole. */
export const variablesOf = (scope: FunctionScope | undefined): readonly Variable[] =>
  unlessDamaged(() => scope?.variables()) ?? [];
