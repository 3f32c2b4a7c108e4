/** The session's names as the debug console takes them. */
import { basename } from 'node:path';
import { REGISTER_NAMES } from '../targets/inspection/register-names';
import type { ConsoleNames } from './console/command';
import type { Images } from './images/images';

/** Symbols, lines and registers for the console's commands. */
export function consoleNames(images: Images): ConsoleNames {
  return {
    symbol: (name) => images.symbol(name),
    symbolAt: (linear) => images.describe(linear),
    lineAt: (linear) => {
      const found = images.lineAt(linear);
      return found && `${basename(found.file)}:${found.line}`;
    },
    symbols: (prefix, limit) => images.symbolNames(prefix, limit),
    registers: REGISTER_NAMES,
  };
}
