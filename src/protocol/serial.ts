/**
 * The guest's serial line on the wire, for clients that launch with `console: "terminal"`: the event `vmxray/serial`
 * carries what the guest sent, the request `vmxray/serialInput` what the user typed. Bytes travel in base64.
 */

/** Body of the event `vmxray/serial`. */
export interface SerialOutput {
  /** Base64. */
  readonly data: string;
}

/** Arguments of the request `vmxray/serialInput`. */
export interface SerialInputArguments {
  /** Base64. */
  readonly data: string;
}
