// Reads the lines that the hypervisor guest prints for VM exits and failed VM entries.

const RDRAND = '57';
const RDSEED = '61';
/** RDRAND and RDSEED: register and operand size; the SDM leaves the other bits undefined (Vol. 3C table 28-13). */
const RANDOM_INFORMATION = 0x1878n;

/**
 * The exits of a guest's serial output: number -> its other fields as one line, with undefined bits cleared. Failed VM
 * entries are numbered `entry 0` and so on.
 */
export function exitsOf(serial: string): Map<string, string> {
  const exits = new Map<string, string>();
  let entries = 0;
  for (const line of serial.split(/\r?\n/)) {
    const entry = /^ *entry: (.*)$/.exec(line);
    if (entry) exits.set(`entry ${entries++}`, entry[1]!);
    const exit = /^exit (\d+) (reason (\d+) .*)$/.exec(line);
    if (exit) exits.set(exit[1]!, defined(exit[3]!, exit[2]!));
  }
  return exits;
}

function defined(reason: string, fields: string): string {
  if (reason !== RDRAND && reason !== RDSEED) return fields;
  return fields.replace(/information 0x([0-9a-f]+)/, (_, bits: string) => {
    return `information 0x${(BigInt(`0x${bits}`) & RANDOM_INFORMATION).toString(16)}`;
  });
}
