/** Colours: escape sequences on a terminal, nothing elsewhere. Source: ECMA-48 8.3.117 (SGR); no-color.org. */

/** What a piece of text is. */
export type Role = 'place' | 'stop' | 'error' | 'guest' | 'number' | 'current';

/** Marks text by what it is. */
export type Style = (role: Role, text: string) => string;

const SGR: Readonly<Record<Role, number>> = { place: 36, stop: 1, error: 31, guest: 2, number: 2, current: 32 };

/** Text as it is. */
export const PLAIN: Style = (_role, text) => text;

/** Text in colours. */
export const COLOURED: Style = (role, text) => (text === '' ? '' : `\x1b[${SGR[role]}m${text}\x1b[0m`);

/** Colours for a terminal whose user has not said otherwise (`NO_COLOR`, `TERM=dumb`). */
export function styleFor(isTerminal: boolean, environment: NodeJS.ProcessEnv): Style {
  return isTerminal && !environment.NO_COLOR && environment.TERM !== 'dumb' ? COLOURED : PLAIN;
}
