/** A command line as a user types it, split into arguments without any shell: quotes and backslashes, nothing else. */
import { UserError } from '../common/errors';

/**
 * The arguments in `text`. Single quotes keep everything; in double quotes and outside a backslash keeps the next
 * character. Throws a UserError for a quote that is not closed.
 */
export function splitCommandLine(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote === "'" ? char === "'" : quote !== '' && char === '"') quote = '';
    else if (char === '\\' && quote !== "'" && at + 1 < text.length) word = (word ?? '') + text.charAt((at += 1));
    else if (quote !== '') word = (word ?? '') + char;
    else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') throw new UserError('command/quote', `A ${quote} is not closed: close it, or put \\ before it.`);
  if (word !== undefined) words.push(word);
  return words;
}
