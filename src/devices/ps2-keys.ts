/**
 * Scan codes of a PC keyboard: the key names of W3C "UI Events KeyboardEvent code Values" to set 2 codes (IBM PS/2
 * Technical Reference, "101/102-Key Keyboard"), and the keyboard controller's translation of set 2 to set 1.
 */

/** Set 2 make code by key; 0xE0xx stands for the bytes E0 xx. `Pause` and `PrintScreen` have sequences of their own. */
const MAKE: Readonly<Record<string, number>> = {
  ...{ Escape: 0x76, F1: 0x05, F2: 0x06, F3: 0x04, F4: 0x0c, F5: 0x03, F6: 0x0b, F7: 0x83, F8: 0x0a, F9: 0x01 },
  ...{ F10: 0x09, F11: 0x78, F12: 0x07, ScrollLock: 0x7e, Backquote: 0x0e, Digit1: 0x16, Digit2: 0x1e, Digit3: 0x26 },
  ...{ Digit4: 0x25, Digit5: 0x2e, Digit6: 0x36, Digit7: 0x3d, Digit8: 0x3e, Digit9: 0x46, Digit0: 0x45, Minus: 0x4e },
  ...{ Equal: 0x55, Backspace: 0x66, Tab: 0x0d, KeyQ: 0x15, KeyW: 0x1d, KeyE: 0x24, KeyR: 0x2d, KeyT: 0x2c },
  ...{ KeyY: 0x35, KeyU: 0x3c, KeyI: 0x43, KeyO: 0x44, KeyP: 0x4d, BracketLeft: 0x54, BracketRight: 0x5b },
  ...{ Backslash: 0x5d, CapsLock: 0x58, KeyA: 0x1c, KeyS: 0x1b, KeyD: 0x23, KeyF: 0x2b, KeyG: 0x34, KeyH: 0x33 },
  ...{ KeyJ: 0x3b, KeyK: 0x42, KeyL: 0x4b, Semicolon: 0x4c, Quote: 0x52, Enter: 0x5a, ShiftLeft: 0x12, KeyZ: 0x1a },
  ...{ KeyX: 0x22, KeyC: 0x21, KeyV: 0x2a, KeyB: 0x32, KeyN: 0x31, KeyM: 0x3a, Comma: 0x41, Period: 0x49, Slash: 0x4a },
  ...{ ShiftRight: 0x59, ControlLeft: 0x14, AltLeft: 0x11, Space: 0x29, IntlBackslash: 0x61, NumLock: 0x77 },
  ...{ Numpad0: 0x70, Numpad1: 0x69, Numpad2: 0x72, Numpad3: 0x7a, Numpad4: 0x6b, Numpad5: 0x73, Numpad6: 0x74 },
  ...{ Numpad7: 0x6c, Numpad8: 0x75, Numpad9: 0x7d, NumpadDecimal: 0x71, NumpadAdd: 0x79, NumpadSubtract: 0x7b },
  ...{ NumpadMultiply: 0x7c, NumpadDivide: 0xe04a, NumpadEnter: 0xe05a, ControlRight: 0xe014, AltRight: 0xe011 },
  ...{ MetaLeft: 0xe01f, MetaRight: 0xe027, ContextMenu: 0xe02f, Insert: 0xe070, Delete: 0xe071, Home: 0xe06c },
  ...{ End: 0xe069, PageUp: 0xe07d, PageDown: 0xe07a, ArrowUp: 0xe075, ArrowDown: 0xe072, ArrowLeft: 0xe06b },
  ...{ ArrowRight: 0xe074 },
};

const SPECIAL: Readonly<Record<string, { readonly make: readonly number[]; readonly break: readonly number[] }>> = {
  Pause: { make: [0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77], break: [] },
  PrintScreen: { make: [0xe0, 0x12, 0xe0, 0x7c], break: [0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12] },
};

/** The prefix of a key's release in set 2. */
export const BREAK_PREFIX = 0xf0;

/** The set 2 bytes of pressing or releasing the key `code` (`KeyA`, `ArrowUp`); undefined for a key this keyboard lacks. */
export function scanCodes(code: string, pressed: boolean): readonly number[] | undefined {
  if (Object.hasOwn(SPECIAL, code)) return pressed ? SPECIAL[code]!.make : SPECIAL[code]!.break;
  if (!Object.hasOwn(MAKE, code)) return undefined;
  const make = MAKE[code]!;
  const prefix = make > 0xff ? [make >> 8] : [];
  return [...prefix, ...(pressed ? [] : [BREAK_PREFIX]), make & 0xff];
}

/** The controller's table, from set 2 code 0x00; codes from 0x85 on stay as they are. */
const TRANSLATION = [
  'ff43413f3d3b3c58644442403e0f2959',
  '65382a701d10025a66712c1f1e11035b',
  '672e2d201205045c68392f211413065d',
  '693130232215075e6a7232241608095f',
  '6b332517180b0a606c34352627190c61',
  '6d7328741a0d626e3a361c1b752b6376',
  '55567778797a0e7b7c4f7d4b477e7f6f',
  '5253504c4d480145574e514a37494654',
  '8081824154',
].join('');

/** The set 1 code that the keyboard controller makes of a set 2 code (without the break bit). */
export function translate(code: number): number {
  return 2 * code < TRANSLATION.length ? parseInt(TRANSLATION.slice(2 * code, 2 * code + 2), 16) : code;
}
