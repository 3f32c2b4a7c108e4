/**
 * The initial RAM disk for a Linux kernel that comes without one: /dev/console and our own /init (`init.S`), which says
 * that it is there, echoes lines and powers off.
 */
import { newc } from './newc';
import { INIT_PROGRAM } from './init-program';

/** Linux Documentation/admin-guide/devices.txt: the system console. */
const CONSOLE = { major: 5, minor: 1 };

/** The archive's bytes, uncompressed. */
export function tinyInitramfs(): Uint8Array {
  return newc([
    { kind: 'directory', path: 'dev' },
    { kind: 'characterDevice', path: 'dev/console', ...CONSOLE },
    { kind: 'program', path: 'init', content: Buffer.from(INIT_PROGRAM, 'base64') },
  ]);
}
