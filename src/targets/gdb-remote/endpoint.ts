/** Where a gdb stub listens, as QEMU's `-gdb` and gdb's `target remote` write it: `host:port`, `:port`, or a socket's path. */
import type { NetConnectOpts } from 'node:net';
import { notAnEndpoint } from './errors';

const PORT = /^(?:tcp:)?(?:\[([^\]]+)\]|([^:/\\]*)):([0-9]{1,5})$/;
const LOCAL = '127.0.0.1';

/** The place in Node's words. Throws a UserError for what is neither a port nor a path. */
export function parseEndpoint(attribute: 'gdb' | 'qmp', text: string): NetConnectOpts {
  const place = text.split(',', 1)[0]!;
  const [, bracketed, plain, digits] = PORT.exec(place) ?? [];
  if (digits !== undefined) {
    const port = Number(digits);
    if (port < 1 || port > 0xffff) throw notAnEndpoint(attribute, text);
    return { host: bracketed ?? (plain || LOCAL), port };
  }
  const path = place.replace(/^unix:/, '');
  const isPath = place.startsWith('unix:') || /[/\\]/.test(path);
  if (!isPath || path === '' || path.includes('\0')) throw notAnEndpoint(attribute, text);
  return { path };
}
