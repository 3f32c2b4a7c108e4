/**
 * Names as programmers write them: `ns::Class::method`. An entry knows its own name only, so that for languages with
 * namespaces a unit is walked once for what lies in what. DWARF 5 sections 2.15, 3.2.2, 5.7. NOT IMPLEMENTED: names with
 * template arguments that the compiler left out of DW_AT_name (-gsimple-template-names); types in functions are named
 * without the function.
 */
import type { CompileUnit } from './compile-units';
import { inherited, isScopeOfNames, type DebugInfo } from './entries';
import type { Entry } from './entry';
import { ATTRIBUTE, TAG } from './tags';

/** DW_LANG_* of C in all its versions, Objective-C and assembly: without namespaces. */
const PLAIN = new Set([0x01, 0x02, 0x0c, 0x1d, 0x2c, 0x3e, 0x10, 0x8001, 0x31]);
/** Units whose parents are kept. */
const MAX_KEPT = 16;
/** Entries in namespaces and classes of one unit. */
const MAX_NAMED = 2_000_000;
/** Namespaces and classes in each other. */
const MAX_DEPTH = 64;

/** Whether a unit's names can have a prefix. */
export function hasNamespaces({ language }: CompileUnit): boolean {
  return !PLAIN.has(language);
}

/** Names of entries, with their prefixes. */
export class EntryNames {
  /** By unit: the scope of each entry that is in one. */
  private readonly parents = new Map<number, ReadonlyMap<number, number>>();

  constructor(private readonly info: DebugInfo) {}

  /** The name of an entry, its declaration's or its origin's; undefined if it has none. */
  of(entry: Entry): string | undefined {
    const named = inherited(this.info, entry, ATTRIBUTE.name);
    const name = named?.string(ATTRIBUTE.name);
    if (!named || name === undefined || !hasNamespaces(named.unit)) return name;
    const prefixes = this.prefixesOf(named);
    return [...prefixes, name].join('::');
  }

  private prefixesOf(entry: Entry): string[] {
    const parents = this.parentsIn(entry.unit);
    const prefixes: string[] = [];
    let offset = parents.get(entry.offset);
    while (offset !== undefined && prefixes.length < MAX_DEPTH) {
      const scope = this.info.entry(offset);
      const name = inherited(this.info, scope, ATTRIBUTE.name)?.string(ATTRIBUTE.name);
      if (scope.tag !== TAG.enumerationType) prefixes.unshift(name ?? unnamed(scope.tag));
      offset = parents.get(offset);
    }
    return prefixes;
  }

  private parentsIn(unit: CompileUnit): ReadonlyMap<number, number> {
    let parents = this.parents.get(unit.start);
    if (parents) return parents;
    const found = new Map<number, number>();
    const walk = (scope: Entry, depth: number): void => {
      for (const child of scope.children()) {
        if (depth > 0 && found.size < MAX_NAMED) found.set(child.offset, scope.offset);
        if (isScopeOfNames(child.tag) && child.hasChildren && depth < MAX_DEPTH) walk(child, depth + 1);
      }
    };
    walk(this.info.root(unit), 0);
    parents = found;
    this.parents.set(unit.start, parents);
    const [oldest] = this.parents.keys();
    if (this.parents.size > MAX_KEPT && oldest !== undefined) this.parents.delete(oldest);
    return parents;
  }
}

function unnamed(tag: number): string {
  return tag === TAG.namespace ? '(anonymous namespace)' : '(anonymous)';
}
