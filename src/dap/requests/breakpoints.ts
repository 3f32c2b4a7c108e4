/** Requests that set breakpoints of every kind. */
import type { Arguments } from '../arguments';
import { dataId, dataWish, filterWish, MAX_DATA_BYTES } from '../breakpoints/other-wishes';
import { functionWish, instructionWish, lineWish } from '../breakpoints/code-wishes';
import { conditionsOf } from '../breakpoints/wish';
import type { Debuggee } from '../debuggee';
import { badArgument } from '../errors';
import { Evaluator } from '../evaluator';
import { type Handlers, MAX_BREAKPOINTS, MAX_ID, MAX_OFFSET } from '../handler';
import { moved, parseMemoryReference } from '../memory-reference';

const ACCESS = ['write', 'read', 'readWrite'] as const;

/** Handlers of the `set…Breakpoints` family, `dataBreakpointInfo` and `breakpointLocations`. */
export function breakpointRequests(debuggee: Debuggee): Handlers {
  const { images } = debuggee;
  const wanted = (args: Arguments): readonly Arguments[] => args.objects('breakpoints', MAX_BREAKPOINTS);
  const answer = async (list: string, wishes: Parameters<Debuggee['setBreakpoints']>[1]) => ({
    body: { breakpoints: await debuggee.setBreakpoints(list, wishes) },
  });
  const bytesOf = (args: Arguments, otherwise: number): number =>
    args.integer('bytes', { min: 1, max: MAX_DATA_BYTES, otherwise });

  return {
    setBreakpoints: (args) => {
      const path = args.object('source').text('path');
      const wishes = wanted(args).map((breakpoint) =>
        lineWish(images, path, breakpoint.integer('line', { min: 0, max: MAX_ID }), conditionsOf(breakpoint)),
      );
      return answer(`source ${path}`, wishes);
    },
    breakpointLocations: (args) => {
      const path = args.object('source').text('path');
      const first = args.integer('line', { min: 0, max: MAX_ID });
      const last = args.integer('endLine', { min: 0, max: MAX_ID, otherwise: first });
      const lines = images.filesOf(path).flatMap(({ image, file }) => image.symbols.linesOf(file));
      const inRange = [...new Set(lines)].filter((line) => line >= first && line <= last).sort((a, b) => a - b);
      return { body: { breakpoints: inRange.map((line) => ({ line })) } };
    },
    setFunctionBreakpoints: (args) =>
      answer(
        'functions',
        wanted(args).map((breakpoint) => functionWish(images, breakpoint.text('name'), conditionsOf(breakpoint))),
      ),
    setInstructionBreakpoints: (args) =>
      answer(
        'instructions',
        wanted(args).map((breakpoint) => {
          const reference = parseMemoryReference(breakpoint.text('instructionReference'));
          if (reference.space !== 'linear') throw badArgument('instructionReference', 'a linear address (0x…)');
          const offset = breakpoint.integer('offset', { min: -MAX_OFFSET, max: MAX_OFFSET, otherwise: 0 });
          return instructionWish(images, moved(reference, offset).address, conditionsOf(breakpoint));
        }),
      ),
    setDataBreakpoints: (args) =>
      answer(
        'data',
        wanted(args).map((breakpoint) =>
          dataWish(breakpoint.text('dataId'), breakpoint.choice('accessType', ACCESS), conditionsOf(breakpoint)),
        ),
      ),
    setExceptionBreakpoints: (args) => {
      const plain = (args.texts('filters', MAX_BREAKPOINTS) ?? []).map((id) => filterWish(debuggee, id, undefined));
      const narrowed = args
        .objects('filterOptions', MAX_BREAKPOINTS)
        .map((option) => filterWish(debuggee, option.text('filterId'), conditionsOf(option).condition));
      return answer('filters', [...plain, ...narrowed]);
    },
    dataBreakpointInfo: async (args) => {
      const name = args.text('name');
      const body = (linear: bigint, length: number, description: string) => ({
        body: { dataId: dataId(linear, length), description, accessTypes: [...ACCESS], canPersist: false },
      });
      if (args.flag('asAddress')) {
        const { space, address } = parseMemoryReference(name);
        if (space !== 'linear') throw badArgument('name', 'a linear address (0x…)');
        const bytes = bytesOf(args, 1);
        return body(address, bytes, `${bytes} bytes at ${name}`);
      }
      const registers = { body: { dataId: null, description: `${name} is a register: only memory can be watched.` } };
      const reference = args.integer('variablesReference', { min: 0, max: MAX_ID, otherwise: 0 });
      const frame = args.has('frameId') ? args.integer('frameId', { min: 0, max: MAX_ID }) : undefined;
      const place =
        reference > 0
          ? await debuggee.stopView.variables.place(reference, name)
          : await (await Evaluator.of(debuggee, frame)).place(name);
      if (!place) return registers;
      if (place.space !== 'linear') throw badArgument('name', 'something in linear memory');
      return body(place.address, bytesOf(args, place.bytes), name);
    },
  };
}
