/** Breakpoints in code: by source line, by function, by instruction. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { basename } from 'node:path';
import { UserError } from '../../common/errors';
import type { ExpressionNames } from '../../symbols/expression/names';
import { localsOf } from '../values/program-types';
import type { Image } from '../images/image';
import type { Images } from '../images/images';
import { hex } from '../memory-reference';
import type { NewWish } from './breakpoint-store';
import { type FunctionName, parseFunctionName } from '../images/function-name';
import { type Conditions, parseConditions, type Resolved, unverified } from './wish';

const keyOf = (place: string, { condition, hitCondition, logMessage }: Conditions): string =>
  JSON.stringify([place, condition, hitCondition, logMessage]);

/** Breakpoints at the places found, which may have to wait for their program. */
function at(
  images: Images,
  places: readonly { readonly image: Image; readonly link: bigint }[],
  conditions: Conditions,
  told: (first: bigint) => object,
): Pick<NewWish, 'resolve'> {
  return {
    resolve: (id, names): Resolved => {
      const addresses = [...new Set(places.flatMap(({ image, link }) => image.linear(link) ?? []))];
      const [first] = addresses;
      if (first === undefined)
        return unverified(`Waits until ${places[0]!.image.name} is in the guest's memory.`, 'pending');
      return {
        told: { verified: true, instructionReference: hex(first), ...told(first) },
        code: addresses.map((linear) => ({
          id,
          linear,
          ...parseConditions(conditions, namesAt(images, names, linear)),
        })),
      };
    },
  };
}

/** What a condition may name at an instruction: the variables in scope there, besides. */
const namesAt = (images: Images, names: ExpressionNames, linear: bigint): ExpressionNames => ({
  ...names,
  local: localsOf(images.imageAt(linear)?.scopesAt(linear)[0]),
});

/** A breakpoint at a line of a source file; lines begin at 1. */
export function lineWish(images: Images, path: string, line: number, conditions: Conditions): NewWish {
  const wish = { kind: 'breakpoint', key: keyOf(String(line), conditions) } as const;
  return {
    ...wish,
    resolve: (id, names) => {
      const files = images.filesOf(path);
      if (files.length === 0)
        throw new UserError(
          'breakpoint/file',
          images.all.length === 0
            ? 'There are no symbols: name an ELF with debug information as "symbols".'
            : `No program here has debug information of ${basename(path)}.`,
        );
      const found = files.flatMap(({ image, file }) => {
        const location = image.symbols.locationsOfLine(file, line);
        return location ? location.addresses.map((link) => ({ image, link, line: location.line })) : [];
      });
      // Several programs may know the file: the line nearest to the wanted one is meant.
      const nearest = Math.min(...found.map((place) => place.line));
      const places = found.filter((place) => place.line === nearest);
      if (places.length === 0)
        throw new UserError('breakpoint/line', `There is no code at line ${line} of ${basename(path)} or below it.`);
      return at(images, places, conditions, () => ({ line: nearest })).resolve(id, names);
    },
  };
}

const ADDRESS = /^\*?(0x[0-9a-f]{1,16})$/i;

/** A breakpoint at functions by their symbols, behind the prologue where lines are known; `*0x…` is an address. */
export function functionWish(images: Images, name: string, conditions: Conditions): NewWish {
  const address = ADDRESS.exec(name.trim());
  if (address) return { ...instructionWish(images, BigInt(address[1]!), conditions), kind: 'function breakpoint' };
  return {
    kind: 'function breakpoint',
    key: keyOf(name, conditions),
    resolve: (id, names) => {
      const places = codeOf(images, parseFunctionName(name));
      if (places.length === 0)
        throw new UserError(
          'breakpoint/function',
          images.all.length === 0
            ? 'There are no symbols: name an ELF file as "symbols".'
            : `There is no function ${name.slice(0, 100)} in ${images.all.map((image) => image.name).join(', ')}.`,
        );
      return at(images, places, conditions, (linear) => lineOf(images, linear)).resolve(id, names);
    },
  };
}

/** Link addresses of the functions with such a name. */
export function codeOf(images: Images, name: FunctionName): { image: Image; link: bigint }[] {
  return images.functions(name).map(({ image, symbol }) => ({
    image,
    link: image.symbols.hasLines ? image.symbols.afterPrologue(symbol.address) : symbol.address,
  }));
}

/** A breakpoint at a linear address. */
export function instructionWish(images: Images, linear: bigint, conditions: Conditions): NewWish {
  return {
    kind: 'instruction breakpoint',
    key: keyOf(hex(linear), conditions),
    resolve: (id, names) => ({
      told: { verified: true, instructionReference: hex(linear) },
      code: [{ id, linear, ...parseConditions(conditions, namesAt(images, names, linear)) }],
    }),
  };
}

function lineOf(images: Images, linear: bigint): Partial<DebugProtocol.Breakpoint> {
  const found = images.lineAt(linear);
  if (!found) return {};
  return { line: found.line, source: images.source(found) };
}
