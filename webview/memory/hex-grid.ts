/** Bytes as a grid of hexadecimal cells and characters: arrow keys move, hex digits edit. */
import { fill, h } from '../dom';

/** Bytes of a row. */
export const COLUMNS = 16;

/** What a grid shows. */
export interface Shown {
  readonly start: bigint;
  /** Fewer than asked for where memory ends. */
  readonly bytes: Uint8Array;
  /** Rows to show, bytes or not. */
  readonly rows: number;
  /** Offsets of bytes that are not what they were. */
  readonly changed: ReadonlySet<number>;
}

/** What the user does in the grid. */
export interface GridActions {
  write(address: bigint, byte: number): void;
  /** Shows so many rows further down (or up). */
  scroll(rows: number): void;
}

export class HexGrid {
  readonly element = h('table', { class: 'hex', role: 'grid', 'aria-label': 'Memory' });
  private shown: Shown = { start: 0n, bytes: new Uint8Array(), rows: 0, changed: new Set() };
  private cells: HTMLElement[] = [];
  private focused = 0;
  private digit: number | undefined;

  constructor(private readonly actions: GridActions) {
    this.element.addEventListener('keydown', (event) => this.onKey(event));
    this.element.addEventListener('focusin', ({ target }) => {
      const index = this.cells.indexOf(target as HTMLElement);
      if (index >= 0 && index !== this.focused) this.move(index, false);
    });
    this.element.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.actions.scroll(event.deltaY > 0 ? 4 : -4);
    });
  }

  show(shown: Shown): void {
    const hadFocus = this.element.contains(document.activeElement);
    this.shown = shown;
    this.digit = undefined;
    this.cells = [];
    const heads = Array.from({ length: COLUMNS }, (_, column) => h('th', { scope: 'col' }, hex(BigInt(column), 2)));
    const rows = Array.from({ length: shown.rows }, (_, row) => this.row(row));
    fill(
      this.element,
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Address'), ...heads, h('th', { scope: 'col' }, 'Text'))),
      h('tbody', {}, ...rows),
    );
    this.move(Math.min(this.focused, this.cells.length - 1), hadFocus);
  }

  private row(row: number): HTMLElement {
    const { start, bytes, changed } = this.shown;
    const first = row * COLUMNS;
    const address = start + BigInt(first);
    const cells = Array.from({ length: COLUMNS }, (_, column) => {
      const at = first + column;
      const byte = bytes[at];
      const isChanged = changed.has(at);
      const cell = h(
        'td',
        {
          role: 'gridcell',
          tabindex: -1,
          class: [isChanged && 'changed', byte === undefined && 'absent', byte === 0 && 'zero']
            .filter(Boolean)
            .join(' '),
          ...(isChanged && { title: 'changed since the last stop' }),
        },
        byte === undefined ? '??' : hex(BigInt(byte), 2),
      );
      this.cells.push(cell);
      return cell;
    });
    const text = Array.from({ length: COLUMNS }, (_, column) => character(bytes[first + column])).join('');
    return h('tr', {}, h('th', { scope: 'row' }, hex(address, 16)), ...cells, h('td', { class: 'text' }, text));
  }

  private onKey(event: KeyboardEvent): void {
    const { key } = event;
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -COLUMNS,
      ArrowDown: COLUMNS,
    };
    const page = Math.max(1, this.shown.rows - 1);
    if (key in moves) this.step(moves[key]!);
    else if (key === 'PageDown') this.actions.scroll(page);
    else if (key === 'PageUp') this.actions.scroll(-page);
    else if (key === 'Home') this.move(this.focused - (this.focused % COLUMNS), true);
    else if (key === 'End') this.move(this.focused - (this.focused % COLUMNS) + COLUMNS - 1, true);
    else if (key === 'Escape') this.show(this.shown);
    else if (/^[0-9a-f]$/i.test(key) && !event.ctrlKey && !event.metaKey && !event.altKey)
      this.type(Number.parseInt(key, 16));
    else return;
    event.preventDefault();
  }

  private step(by: number): void {
    const next = this.focused + by;
    if (next >= 0 && next < this.cells.length) this.move(next, true);
    else this.actions.scroll(by < 0 ? -1 : 1);
  }

  private move(index: number, focus: boolean): void {
    this.digit = undefined;
    const before = this.cells[this.focused];
    if (before) before.tabIndex = -1;
    this.focused = Math.max(0, index);
    const cell = this.cells[this.focused];
    if (!cell) return;
    cell.tabIndex = 0;
    if (focus) cell.focus();
  }

  /** Two digits are a byte. */
  private type(digit: number): void {
    const cell = this.cells[this.focused];
    if (!cell || this.shown.bytes[this.focused] === undefined) return;
    if (this.digit === undefined) {
      this.digit = digit;
      cell.textContent = `${digit.toString(16)}_`;
      return;
    }
    const byte = this.digit * 16 + digit;
    this.digit = undefined;
    cell.textContent = hex(BigInt(byte), 2);
    this.actions.write(this.shown.start + BigInt(this.focused), byte);
    this.step(1);
  }
}

/** A number as `digits` hexadecimal digits. */
export const hex = (value: bigint, digits: number): string => value.toString(16).padStart(digits, '0');

const character = (byte: number | undefined): string =>
  byte === undefined ? ' ' : byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
