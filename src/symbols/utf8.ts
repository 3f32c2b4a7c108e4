/**
 * UTF-8 to strings, without the host's decoder. Source: RFC 3629. NOT IMPLEMENTED: telling overlong forms apart.
 */

/** Bytes as characters of the same number (ISO 8859-1). */
export function decodeLatin1(bytes: Uint8Array): string {
  // Function.apply takes its arguments on the stack: pieces of a few thousand are safe.
  const piece = 4096;
  let text = '';
  for (let at = 0; at < bytes.length; at += piece) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + piece) as unknown as number[]);
  }
  return text;
}

/** Bytes of UTF-8 as a string; a byte that fits nowhere becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  const text = decodeLatin1(bytes);
  return isAscii(text) ? text : decodeUtf8Characters(text);
}

/** True if no character is above 0x7f. */
export function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** The string whose UTF-8 bytes are the characters of `text`. */
export function decodeUtf8Characters(text: string): string {
  let decoded = '';
  for (let index = 0; index < text.length; index += 1) {
    const first = text.charCodeAt(index);
    const extra = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : -1;
    let codePoint = extra <= 0 ? first : first & (0x3f >> extra);
    let isValid = extra >= 0;
    for (let next = 1; isValid && next <= extra; next += 1) {
      const byte = text.charCodeAt(index + next);
      isValid = (byte & 0xc0) === 0x80;
      codePoint = (codePoint << 6) | (byte & 0x3f);
    }
    if (isValid && codePoint <= 0x10ffff) {
      decoded += String.fromCodePoint(codePoint);
      index += extra;
    } else {
      decoded += '\ufffd';
    }
  }
  return decoded;
}

/** A string as UTF-8; half of a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    const point = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x1_0000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else {
      bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f));
      bytes.push(0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    }
  }
  return Uint8Array.from(bytes);
}
