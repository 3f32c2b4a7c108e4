/**
 * What a guest sends on its serial line, made fit for a terminal: UTF-8, and line feeds. A guest with a terminal driver
 * of its own sends CR LF, and what it sends is then shown as it is; one without (a small kernel, firmware) sends LF
 * alone, which a terminal would not take for a new line. The first CR LF tells them apart.
 */

/** How much is kept for a terminal that is opened later, in characters. */
const MOST_KEPT = 2 ** 20;

/** Keeps its place in a character that is cut in two, and the newest text. */
export class GuestOutput {
  private readonly decoder = new TextDecoder();
  private knowsTerminals = false;
  private last = '';
  private text = '';

  /** What a terminal shall show of the next bytes. */
  take(bytes: Uint8Array): string {
    const decoded = this.decoder.decode(bytes, { stream: true });
    if (!this.knowsTerminals && (this.last + decoded).includes('\r\n')) this.knowsTerminals = true;
    this.last = decoded.at(-1) ?? this.last;
    const shown = this.knowsTerminals ? decoded : decoded.replaceAll('\n', '\r\n');
    this.keep(shown);
    return shown;
  }

  /** The newest text that a terminal has been shown, of at most 1 Mi characters. */
  get kept(): string {
    return this.text;
  }

  /** Notes what is shown besides the guest's own text. */
  keep(shown: string): void {
    this.text += shown;
    // Cut rarely, and much then: each cut copies the text.
    if (this.text.length > MOST_KEPT) this.text = this.text.slice(-MOST_KEPT / 2);
  }
}
