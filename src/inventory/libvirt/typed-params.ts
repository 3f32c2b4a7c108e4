/** libvirt's typed parameters: names with values of seven types. Source: remote_protocol.x, remote_typed_param. */
import { strangeAnswer } from './errors';
import type { XdrReader, XdrWriter } from './xdr';

const TYPE = { int: 1, uint: 2, llong: 3, ullong: 4, double: 5, boolean: 6, string: 7 } as const;

/** A value as we have it: numbers that fit are numbers. */
export type ParamValue = number | bigint | string | boolean;

/** Parameters by name. */
export type Params = ReadonlyMap<string, ParamValue>;

/** A parameter that is sent, of the type that the daemon wants. */
export type SentParam =
  | { readonly field: string; readonly type: 'ullong'; readonly value: bigint | number }
  | { readonly field: string; readonly type: 'string'; readonly value: string };

/** Reads a list of parameters; one that is there twice keeps its last value. */
export function readParams(reader: XdrReader): Params {
  return new Map(reader.list((one) => [one.string(), readValue(one)] as const, 12));
}

function readValue(reader: XdrReader): ParamValue {
  const type = reader.int();
  switch (type) {
    case TYPE.int:
      return reader.int();
    case TYPE.uint:
      return reader.uint();
    case TYPE.llong:
      return plain(reader.hyper());
    case TYPE.ullong:
      return plain(reader.uhyper());
    case TYPE.double:
      return reader.double();
    case TYPE.boolean:
      return reader.int() !== 0;
    case TYPE.string:
      return reader.string();
    default:
      throw strangeAnswer(`a parameter of type ${type}`);
  }
}

const plain = (value: bigint): number | bigint => (BigInt.asIntN(53, value) === value ? Number(value) : value);

/** Writes a list of parameters. */
export function writeParams(writer: XdrWriter, params: readonly SentParam[]): XdrWriter {
  return writer.list(params, (to, param) => {
    to.string(param.field).int(TYPE[param.type]);
    if (param.type === 'string') to.string(param.value);
    else to.hyper(param.value);
  });
}

/** A parameter as a number; undefined where it is absent or none. */
export function numberOf(params: Params, field: string): number | undefined {
  const value = params.get(field);
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
}

/** A parameter as text; undefined where it is absent. */
export function textOf(params: Params, field: string): string | undefined {
  const value = params.get(field);
  return value === undefined ? undefined : String(value);
}
