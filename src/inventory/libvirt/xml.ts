/**
 * A small reader for libvirt's XML: elements, attributes, text, and where each stands, so that a text can be changed in
 * places and stays itself elsewhere. Bounded: document types and entities of one's own are refused, so nothing can grow.
 * Source: XML 1.0 (fifth edition), as much as libvirt writes. NOT IMPLEMENTED: namespaces as such (prefixes stay in the
 * names), other encodings than UTF-8.
 */
import { badXml } from './errors';

/** Longest document: characters. libvirt's own limit for a string is 4 MiB. */
const MAX_LENGTH = 1 << 22;
const MAX_DEPTH = 100;
const MAX_ELEMENTS = 50_000;

/** One element. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** The text directly inside, entities replaced. */
  readonly text: string;
  /** Where it begins and ends in the document, and its inside: offsets. */
  readonly start: number;
  readonly end: number;
  readonly innerStart: number;
  readonly innerEnd: number;
}

interface Open {
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  text: string;
  start: number;
  innerStart: number;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const NAME = /[A-Za-z_:][\w:.-]*/y;
const ATTRIBUTE = /\s+([A-Za-z_:][\w:.-]*)\s*=\s*("([^"<]*)"|'([^'<]*)')/y;
const TAG_END = /\s*(\/?)>/y;
const CLOSE = /<\/([A-Za-z_:][\w:.-]*)\s*>/y;

/** The root element of a document. Throws a UserError that names the line of a mistake. */
export function readXml(text: string): XmlElement {
  return new Reader(text).read();
}

class Reader {
  private at = 0;
  private elements = 0;

  constructor(private readonly text: string) {}

  read(): XmlElement {
    const { text } = this;
    if (text.length > MAX_LENGTH) throw badXml('it is larger than 4 MiB', 1);
    const stack: Open[] = [];
    let root: XmlElement | undefined;
    const close = (open: Open, innerEnd: number): void => {
      const element: XmlElement = { ...open, innerEnd, end: this.at };
      const parent = stack.at(-1);
      if (parent) parent.children.push(element);
      else root = element;
    };
    while (this.at < text.length) {
      const open = stack.at(-1);
      const next = text.indexOf('<', this.at);
      const words = text.slice(this.at, next < 0 ? text.length : next);
      if (open) open.text += this.decode(words, this.at);
      else if (words.replace(/^\ufeff/, '').trim() !== '') throw this.bad('there is text outside the root element');
      if (next < 0) break;
      this.at = next;
      if (this.skipPast('<!--', '-->') || this.skipPast('<?', '?>')) continue;
      if (text.startsWith('<![CDATA[', next)) {
        const end = text.indexOf(']]>', next);
        if (end < 0 || !open) throw this.bad('a CDATA section is not closed, or out of place');
        open.text += text.slice(next + '<![CDATA['.length, end);
        this.at = end + ']]>'.length;
      } else if (text.startsWith('<!', next)) throw this.bad('document types are not accepted');
      else if (text.startsWith('</', next)) {
        const name = this.match(CLOSE)?.[1];
        if (!open || name !== open.name) throw this.bad(`"</${name ?? ''}" closes nothing that is open`, next);
        stack.pop();
        close(open, next);
      } else {
        if (!open && root) throw this.bad('there is a second root element');
        const [made, isEmpty] = this.openTag();
        if (isEmpty) close(made, this.at);
        else if (stack.push(made) > MAX_DEPTH) throw this.bad(`it is nested deeper than ${MAX_DEPTH}`);
      }
    }
    const left = stack.at(-1);
    if (left) throw this.bad(`<${left.name}> is not closed`, left.start);
    if (!root) throw this.bad('there is no element');
    return root;
  }

  private openTag(): readonly [Open, boolean] {
    const start = this.at;
    if (++this.elements > MAX_ELEMENTS) throw this.bad(`it has more than ${MAX_ELEMENTS} elements`);
    this.at += 1;
    const name = this.match(NAME)?.[0];
    if (name === undefined) throw this.bad('"<" stands for itself only as "&lt;"', start);
    const attributes: Record<string, string> = Object.create(null) as Record<string, string>;
    for (let found = this.match(ATTRIBUTE); found; found = this.match(ATTRIBUTE)) {
      const [, attribute = '', , double, single] = found;
      if (attribute in attributes) throw this.bad(`the attribute "${attribute}" is there twice`, start);
      attributes[attribute] = this.decode(double ?? single ?? '', start);
    }
    const end = this.match(TAG_END);
    if (!end) throw this.bad(`the tag <${name}> is not well formed`, start);
    return [{ name, attributes, children: [], text: '', start, innerStart: this.at }, end[1] === '/'];
  }

  private match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }

  private skipPast(begin: string, end: string): boolean {
    if (!this.text.startsWith(begin, this.at)) return false;
    const found = this.text.indexOf(end, this.at + begin.length);
    if (found < 0) throw this.bad(`"${begin}" is not closed by "${end}"`);
    this.at = found + end.length;
    return true;
  }

  private decode(text: string, at: number): string {
    if (!text.includes('&')) return text;
    return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{1,10}));|&/g, (_, decimal, hexadecimal, name) => {
      const code = decimal !== undefined ? Number(decimal) : hexadecimal !== undefined ? parseInt(hexadecimal, 16) : -1;
      const char = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ENTITIES[String(name)];
      if (char === undefined) throw this.bad('"&" begins no entity that is known', at);
      return char;
    });
  }

  private bad(why: string, at = this.at): Error {
    return badXml(why, this.text.slice(0, at).split('\n').length);
  }
}

/** The first child of that name; with several names the way down. */
export function child(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
  let found = element;
  for (const name of names) found = found?.children.find((one) => one.name === name);
  return found;
}

/** All children of that name. */
export const childrenOf = (element: XmlElement | undefined, name: string): readonly XmlElement[] =>
  element?.children.filter((one) => one.name === name) ?? [];

/** A text as it stands in XML. */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&${Object.keys(ENTITIES).find((name) => ENTITIES[name] === char)};`);

/** A change of a document: what stands from `start` to `end` becomes `text`. */
export interface XmlChange {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The document with the changes made; they must not overlap. */
export function changeXml(document: string, changes: readonly XmlChange[]): string {
  let result = document;
  for (const { start, end, text } of [...changes].sort((a, b) => b.start - a.start))
    result = result.slice(0, start) + text + result.slice(end);
  return result;
}
