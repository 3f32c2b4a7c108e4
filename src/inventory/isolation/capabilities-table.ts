/** Linux capabilities by bit. Source: capabilities(7), include/uapi/linux/capability.h. */
const NAMES = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ');

/** The names in a mask as /proc/PID/status writes it, in hexadecimal; a bit without a name is its number. */
export function capabilityNames(mask: string): string[] {
  const bits = BigInt(`0x${/^[0-9a-fA-F]+$/.test(mask) ? mask : '0'}`);
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit += 1) if ((bits >> BigInt(bit)) & 1n) names.push(NAMES[bit] ?? String(bit));
  return names;
}

/** How many capabilities there are. */
export const CAPABILITY_COUNT = NAMES.length;
