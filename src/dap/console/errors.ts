/** What can be wrong with a command: every sentence that the console answers with. */
import { UserError } from '../../common/errors';

const quoted = (text: string): string => `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;

/** A word that looks like a command and is none. */
export const unknownCommand = (word: string, nearest: string): UserError =>
  new UserError(
    'console/unknown',
    `There is no command or symbol ${quoted(word)}: did you mean "${nearest}"? "help" lists the commands.`,
  );

/** Arguments that the command cannot use. */
export const badUsage = (name: string, usage: string): UserError =>
  new UserError('console/usage', `Write: ${usage} ("help ${name}" says more).`);

/** An argument that names nothing; `hint` says what there is. */
export const noSuch = (what: string, name: string, hint: string): UserError =>
  new UserError('console/name', `There is no ${what} ${quoted(name)}: ${hint}.`);

/** An option behind the slash that the command does not have. */
export const badOption = (option: string, hint: string): UserError =>
  new UserError('console/option', `The option ${quoted(`/${option}`)} means nothing here: ${hint}.`);

/** A count that is none. */
export const badCount = (text: string, most: number): UserError =>
  new UserError('console/count', `${quoted(text)} is not a count from 1 to ${most}.`);

/** Nothing can be read from the start. */
export const noMemory = (place: string): UserError =>
  new UserError('console/memory', `There is no memory at ${place}: "walk" shows where the way to it ends.`);

/** Something other than a place stands left of the = sign. */
export const notWritable = (): UserError =>
  new UserError(
    'console/place',
    'Only a register or a place in memory, such as $rax or *(u32*)0x1000, can be written.',
  );

/** Less was written than asked for. */
export const partlyWritten = (written: number, length: number): UserError =>
  new UserError('console/write', `Only ${written} of ${length} bytes were written: memory ends there.`);
