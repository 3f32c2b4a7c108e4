/**
 * What a PS/2 device has to say: answers to commands, which go first, and reports (scan codes, movement), which wait.
 * Source: IBM PS/2 Technical Reference, "Keyboard", "Keyboard Buffer": 16 bytes, then an overrun code.
 */

/** Plain data: the bytes that wait, oldest first. */
export interface Ps2OutputState {
  readonly answers: readonly number[];
  readonly reports: readonly number[];
}

const REPORT_BYTES = 16;

/** The output side of a PS/2 device. `ready` is called when there is something to take. */
export class Ps2Output {
  private answers: number[] = [];
  private reports: number[] = [];
  /** Set by the controller that the device is plugged into. */
  ready: () => void = () => undefined;

  get isEmpty(): boolean {
    return this.answers.length === 0 && this.reports.length === 0;
  }

  /** Room for `bytes` more bytes of reports. */
  hasRoom(bytes: number): boolean {
    return this.reports.length + bytes <= REPORT_BYTES;
  }

  /** Answers the present command; what is left of an earlier answer is dropped, as the protocol wants. */
  answer(...bytes: number[]): void {
    this.answers = bytes;
    this.ready();
  }

  /** Appends a report. The caller checks `hasRoom`. */
  report(bytes: readonly number[]): void {
    this.reports.push(...bytes);
    this.ready();
  }

  /** Drops the reports that wait. */
  clearReports(): void {
    this.reports = [];
  }

  clear(): void {
    this.answers = [];
    this.reports = [];
  }

  /** Takes the next byte. The caller checks `isEmpty`. */
  take(): number {
    return (this.answers.length > 0 ? this.answers.shift() : this.reports.shift()) ?? 0;
  }

  save(): Ps2OutputState {
    return { answers: [...this.answers], reports: [...this.reports] };
  }

  restore(state: Ps2OutputState): void {
    this.answers = [...state.answers];
    this.reports = [...state.reports];
  }
}

/** A device on one of the controller's two ports. */
export interface Ps2Device {
  readonly output: Ps2Output;
  /** A byte from the host. */
  receive(byte: number): void;
}

/** The protocol's answers. */
export const enum Ps2 {
  ACK = 0xfa,
  RESEND = 0xfe,
  SELF_TEST_PASSED = 0xaa,
}
