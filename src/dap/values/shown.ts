/** What the makers of rows work on. */
import type { AddressSpace } from '../../protocol/address';
import type { Type } from '../../symbols/types/type';
import type { Contents } from './contents';
import type { Located } from './located';
import type { ValueContext, ValueFormat } from './reader';
import type { Row } from './row';

/** A value to show. */
export interface Shown {
  readonly name: string;
  readonly type: Type;
  readonly located: Located;
  /** An expression for it, if there is one. */
  readonly evaluateName?: string | undefined;
  readonly format: ValueFormat;
  /** What stands before the names of its members in expressions, if not the expression for it with a `.`. */
  readonly path?: string | undefined;
  /** The space that it points into, if it is a pointer. */
  readonly space?: AddressSpace | undefined;
  /** Its bytes, if they are read already, and the bit of them that it begins at. */
  readonly read?: { readonly contents: Contents; readonly bitOffset: number } | undefined;
}

/** Makes the row of a value. */
export type RowMaker = (shown: Shown, context: ValueContext) => Promise<Row>;
