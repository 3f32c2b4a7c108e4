/**
 * Type names in expressions: C's specifiers in any order, `struct`, `union`, `class` and `enum` with a tag, typedefs, the
 * short names `u8` to `s64`, with stars, arrays and pointers to functions. Source: ISO/IEC 9899:2018 6.7.2, 6.7.7.
 *
 * NOT IMPLEMENTED: the parameters of functions (they are read over), sizes of arrays that are not plain numbers.
 */
import { VOID } from '../types/plain';
import type { IntegerType, NamedKind, PointerType, Type } from '../types/type';
import type { IntegerType as IntegerValue } from './ast';
import type { Cursor } from './cursor';
import { quoted, syntaxError, unknownName } from './errors';
import type { ExpressionNames } from './names';
import { nearest } from './nearest';
import { TYPE_NAMES, TYPE_SPECIFIERS, typeOfSpecifiers } from './types';

const QUALIFIERS: ReadonlySet<string> = new Set(['const', 'volatile', 'restrict']);
const TAGS: ReadonlySet<string> = new Set<NamedKind>(['struct', 'union', 'class', 'enum']);
const BOOLEANS: ReadonlySet<string> = new Set(['bool', '_Bool']);
const MAX_STARS = 100;
const MAX_COUNT = 0x7fff_ffffn;
const MAX_NEAR = 500;
const POINTER_BYTES = 8;

const isTypeWord = (name: string): boolean =>
  TYPE_NAMES.has(name) || TYPE_SPECIFIERS.has(name) || QUALIFIERS.has(name) || BOOLEANS.has(name) || name === 'void';

const pointerTo = (to: Type): PointerType => ({ kind: 'pointer', size: POINTER_BYTES, to });

/** Reads types where the cursor stands. */
export class TypeParser {
  constructor(
    private readonly cursor: Cursor,
    private readonly names: ExpressionNames,
  ) {}

  /** True if the token that is `ahead` begins a type; the frame's variables hide types of their name. */
  startsAt(ahead: number): boolean {
    const token = this.cursor.ahead(ahead);
    if (token?.kind !== 'name') return false;
    const { text } = token;
    if (isTypeWord(text)) return true;
    if (TAGS.has(text)) return this.cursor.ahead(ahead + 1)?.kind === 'name';
    if (this.names.local?.(text) || this.names.variables?.has(text)) return false;
    // Types need an index that takes its time to be made: what is surely none does not ask for it.
    if (this.names.register(text.toLowerCase())) return false;
    return this.named(text) !== undefined;
  }

  /** True if the name is a word of C's own types. */
  isWord(name: string): boolean {
    return isTypeWord(name);
  }

  /** A type with its stars and brackets. Throws a UserError for what is none. */
  parse(): Type {
    const { cursor } = this;
    const { at } = cursor.token;
    const base = this.base();
    if (base === VOID && !cursor.isSign('*')) throw this.notAType('void', at);
    return this.declarator(base);
  }

  private base(): Type {
    const { cursor } = this;
    const { at } = cursor.token;
    const words: string[] = [];
    for (;;) {
      const { token } = cursor;
      if (token.kind !== 'name') break;
      const { text } = token;
      if (QUALIFIERS.has(text)) {
        cursor.next++;
        continue;
      }
      if (words.length === 0 && TAGS.has(text)) return this.tagged();
      if (words.length > 0 && !isTypeWord(text)) break;
      if (words.length === 0 && !isTypeWord(text) && !this.startsAt(0)) break;
      cursor.next++;
      words.push(text);
      if (!TYPE_SPECIFIERS.has(text) && words.length === 1) break;
    }
    this.skipQualifiers();
    const found = this.typeOfWords(words);
    if (!found) throw this.notAType(words.join(' '), at);
    return found;
  }

  private notAType(written: string, at: number): Error {
    return syntaxError(`${quoted(written)} is not a type: write u8 to u64, s8 to s64 or C's names`, at);
  }

  private typeOfWords(words: readonly string[]): Type | undefined {
    const [first] = words;
    if (first === undefined) return undefined;
    if (words.every((word) => TYPE_SPECIFIERS.has(word))) {
      const value = typeOfSpecifiers(words);
      return value && integer(words.join(' '), value, words.includes('char'));
    }
    if (words.length > 1) return undefined;
    if (first === 'void') return VOID;
    if (BOOLEANS.has(first)) return { kind: 'integer', name: first, size: 1, isSigned: false, shown: 'boolean' };
    const named = TYPE_NAMES.get(first);
    return named ? integer(first, named, false) : this.named(first);
  }

  /** A type that needs no keyword before its name: a typedef, a class, what languages other than C make. */
  private named(name: string): Type | undefined {
    const { types } = this.names;
    if (!types) return undefined;
    for (const kind of ['typedef', 'base', 'class'] as const) {
      const found = types.typeNamed(kind, name);
      if (found) return found;
    }
    // Rust and C++ name structures so; in C such a name is no type.
    return name.includes('::') ? (types.typeNamed('struct', name) ?? types.typeNamed('enum', name)) : undefined;
  }

  private tagged(): Type {
    const { cursor, names } = this;
    const kind = cursor.acceptName()!.text as 'struct' | 'union' | 'class' | 'enum';
    const tag = cursor.acceptName();
    if (!tag) throw syntaxError(`The name of a type is missing behind ${quoted(kind)}`, cursor.token.at);
    this.skipQualifiers();
    const found = names.types?.typeNamed(kind, tag.text);
    if (found) return found;
    if (!names.types)
      throw syntaxError(`There is no type ${quoted(`${kind} ${tag.text}`)} here: no types are known`, tag.at);
    const near = nearest(tag.text, names.types.typeNames(tag.text.slice(0, 3), MAX_NEAR));
    throw unknownName(`type`, `${kind} ${tag.text}`, tag.at, near);
  }

  private skipQualifiers(): void {
    const { cursor } = this;
    while (cursor.token.kind === 'name' && QUALIFIERS.has(cursor.token.text)) cursor.next++;
  }

  /** Stars, then `(*)(...)` or `[n]`, of a type without a name. */
  private declarator(base: Type): Type {
    const { cursor } = this;
    let type = base;
    for (let depth = 0; cursor.accept('*'); depth++) {
      if (depth >= MAX_STARS) throw syntaxError('The type is nested too deeply', cursor.token.at);
      type = pointerTo(type);
      this.skipQualifiers();
    }
    if (cursor.isSign('(') && cursor.isSign('*', 1)) return this.pointerInParentheses(type);
    return this.arrays(type);
  }

  private pointerInParentheses(type: Type): Type {
    const { cursor } = this;
    cursor.next++;
    let stars = 0;
    for (; cursor.accept('*'); stars++) this.skipQualifiers();
    if (stars > MAX_STARS) throw syntaxError('The type is nested too deeply', cursor.token.at);
    const sizes = this.sizes();
    cursor.expect(')', 'A pointer in parentheses');
    let pointed: Type;
    if (cursor.accept('(')) {
      this.skipParameters();
      pointed = { kind: 'function', returns: type, parameters: [], isVariadic: false };
    } else pointed = this.arrays(type);
    for (let star = 0; star < stars; star++) pointed = pointerTo(pointed);
    return arrayOf(pointed, sizes);
  }

  private skipParameters(): void {
    const { cursor } = this;
    for (let depth = 1; depth > 0; cursor.next++) {
      if (cursor.token.kind === 'end') throw syntaxError('A list of parameters needs a `)`', cursor.token.at);
      if (cursor.isSign('(')) depth++;
      if (cursor.isSign(')')) depth--;
    }
  }

  private arrays(type: Type): Type {
    return arrayOf(type, this.sizes());
  }

  private sizes(): readonly (number | undefined)[] {
    const { cursor } = this;
    const sizes: (number | undefined)[] = [];
    while (cursor.accept('[')) {
      const { token } = cursor;
      if (token.kind === 'number') {
        if (token.value > MAX_COUNT) throw syntaxError('The array is too long', token.at);
        cursor.next++;
      }
      sizes.push(token.kind === 'number' ? Number(token.value) : undefined);
      if (sizes.length > MAX_STARS) throw syntaxError('The type is nested too deeply', token.at);
      cursor.expect(']', 'The size of an array');
    }
    return sizes;
  }
}

/** An array of arrays: the last size is that of the innermost. */
const arrayOf = (type: Type, sizes: readonly (number | undefined)[]): Type =>
  sizes.reduceRight<Type>((of, count) => ({ kind: 'array', of, count }), type);

const integer = (name: string, { bits, signed }: IntegerValue, isCharacter: boolean): IntegerType => ({
  kind: 'integer',
  name,
  size: bits / 8,
  isSigned: signed,
  shown: isCharacter ? 'character' : 'number',
});
