/** Lists of VM exit reasons: the SDM's names (`EPT violation`), the same as words (`EPT_VIOLATION`), or numbers. */

/**
 * The reasons in a list. Commas part them; where there are none, words in capitals and numbers are a reason each, and
 * anything else is one name with spaces in it.
 */
export function parseReasons(text: string): readonly string[] {
  const isWords = /^[A-Z0-9_\s]+$/.test(text);
  return text
    .split(isWords ? /\s+/ : ',')
    .map((reason) => reason.trim())
    .filter((reason) => reason !== '');
}

/** A reason as an expression's name for it: `EPT violation` is `EPT_VIOLATION`. */
export function reasonConstant(reason: string): string {
  return reason
    .toUpperCase()
    .replaceAll('/', '')
    .replaceAll(/[^A-Z0-9]+/g, '_');
}
