/** `vmxray/vmcs`: the fields of the current VMCS. Names, encodings and groups: SDM Vol. 3C chapter 25, Vol. 3D appendix B. */
import type { Hex } from './address';

/** Arguments of `vmxray/vmcs`. */
export interface VmcsArguments {
  readonly threadId: number;
}

/** One named bit or range of a field, with its value. */
export interface VmcsFieldBits {
  readonly name: string;
  /** Bits `high`..`low`, inclusive. */
  readonly high: number;
  readonly low: number;
  readonly value: Hex;
  readonly meaning?: string;
}

/** One field. */
export interface VmcsFieldDescription {
  /** The SDM's name: `Guest CR0`. */
  readonly name: string;
  readonly encoding: Hex;
  /** `guest state`, `host state`, `control` or `read-only data`. */
  readonly group: string;
  /** Width in bits; 64 for natural-width fields. */
  readonly bits: 16 | 32 | 64;
  readonly value: Hex;
  /** Decoded controls and packed fields. */
  readonly fields?: readonly VmcsFieldBits[];
}

/** Answer of `vmxray/vmcs`: guest state is as of the last exit (SDM Vol. 3C 28.3). */
export interface VmcsAnswer {
  /** Number of the exit that guest state was saved at; decimal; absent before the first one. */
  readonly exit?: string;
  readonly fields: readonly VmcsFieldDescription[];
}
