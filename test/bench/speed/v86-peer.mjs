// Boots a Linux kernel in v86 and copies its serial line to standard output until the guest powers off.
//   node v86-peer.mjs SETTINGS.json   {module, bios, vgaBios, kernel, initrd, cmdline, megabytes}
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { V86 } = await import(pathToFileURL(settings.module));
const file = (path) => ({ buffer: new Uint8Array(readFileSync(path)).buffer });
const emulator = new V86({
  wasm_path: settings.wasm,
  memory_size: settings.megabytes << 20,
  bios: file(settings.bios),
  vga_bios: file(settings.vgaBios),
  bzimage: file(settings.kernel),
  initrd: file(settings.initrd),
  cmdline: settings.cmdline,
  disable_speaker: true,
  autostart: true,
});
let line = '';
emulator.add_listener('serial0-output-byte', (byte) => {
  const char = String.fromCharCode(byte);
  line += char;
  if (char !== '\n') return;
  process.stdout.write(line);
  if (/reboot: (Power down|System halted)/.test(line)) setTimeout(() => process.exit(0), 100);
  line = '';
});
