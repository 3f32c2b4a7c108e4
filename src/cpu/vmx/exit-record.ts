/**
 * A VM exit that is due but not yet carried out: what the VM-exit information fields will say. Source: SDM Vol. 3C 25.9
 * and 28.2. One record is used again and again, so that an exit makes no garbage.
 */

/** What RFLAGS.RF is saved as (SDM 28.3.3). */
export const RESUME_FLAG = { KEEP: 0, CLEAR: 1, SET: 2 } as const;

/** The exit at hand; 64-bit fields are pairs of unsigned 32-bit halves. */
export class ExitRecord {
  /** False while no exit is due, or while only `STATE.exit*` describes it. */
  recorded = false;
  /** Basic exit reason. */
  reason = 0;
  qualificationLow = 0;
  qualificationHigh = 0;
  linearLow = 0;
  linearHigh = 0;
  physicalLow = 0;
  physicalHigh = 0;
  /** VM-exit interruption information; 0 if not valid. */
  interruption = 0;
  errorCode = 0;
  instructionLength = 0;
  instructionInformation = 0;
  /** A value of `RESUME_FLAG`. */
  resumeFlag: number = RESUME_FLAG.KEEP;

  /** Begins a record for `reason` with everything else 0. */
  begin(reason: number, resumeFlag: number): this {
    this.recorded = true;
    this.reason = reason;
    this.qualificationLow = this.qualificationHigh = 0;
    this.linearLow = this.linearHigh = 0;
    this.physicalLow = this.physicalHigh = 0;
    this.interruption = this.errorCode = 0;
    this.instructionLength = this.instructionInformation = 0;
    this.resumeFlag = resumeFlag;
    return this;
  }

  /** Sets the exit qualification, unsigned 64 bits. */
  qualify(value: bigint): this {
    this.qualificationLow = Number(BigInt.asUintN(32, value));
    this.qualificationHigh = Number(BigInt.asUintN(32, value >> 32n));
    return this;
  }

  /** Sets the guest-linear address, unsigned 64 bits. */
  at(linear: bigint): this {
    this.linearLow = Number(BigInt.asUintN(32, linear));
    this.linearHigh = Number(BigInt.asUintN(32, linear >> 32n));
    return this;
  }
}
