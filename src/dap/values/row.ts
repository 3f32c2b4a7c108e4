/** A value as a debugger's client shows it: one line that may open into more. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AddressSpace } from '../../protocol/address';

/** A piece of memory. */
export interface MemoryRange {
  readonly space: AddressSpace;
  readonly address: bigint;
  /** Bytes. */
  readonly bytes: number;
}

/** Which of the rows that a row opens into are wanted; `hex`: with numbers in hexadecimal. */
export interface Page {
  readonly start: number;
  readonly count: number;
  /** Only elements of an array, or only what is none. */
  readonly filter?: 'indexed' | 'named' | undefined;
  readonly hex?: boolean | undefined;
}

/** Everything that a row opens into, to a bound that only arrays reach. */
export const WHOLE: Page = { start: 0, count: 10_000 };

/** One line. */
export interface Row {
  readonly name: string;
  readonly value: string;
  /** The type as C writes it. */
  readonly type?: string | undefined;
  /** An expression that means the same at this stop. */
  readonly evaluateName?: string | undefined;
  /** Where it lies, or what it points to. */
  readonly memory?: MemoryRange | undefined;
  /** The bytes to watch for a change; undefined for what is not in memory. */
  readonly place?: MemoryRange | undefined;
  readonly presentationHint?: DebugProtocol.VariablePresentationHint | undefined;
  /** How many rows it opens into that are counted from 0. */
  readonly indexed?: number | undefined;
  /** What it opens into. */
  readonly children?: ((page: Page) => Promise<readonly Row[]>) | undefined;
  /** Gives it the value that a text says; the row as it is then. Rejects with UserErrors. */
  readonly assign?: ((text: string) => Promise<Row>) | undefined;
}

/** A row of text that stands for nothing in the guest. */
export const note = (name: string, value: string): Row => ({
  name,
  value,
  presentationHint: { kind: 'virtual', attributes: ['readOnly'] },
});

/** The reference to a piece of memory for the wire. */
export const referenceTo = ({ space, address }: Pick<MemoryRange, 'space' | 'address'>): string =>
  `${space === 'linear' ? '' : `${space}:`}0x${BigInt.asUintN(64, address).toString(16)}`;
