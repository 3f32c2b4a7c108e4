/**
 * Socket addresses as QEMU's options write them: `unix:PATH,server=on,wait=off`, `tcp:HOST:PORT,...`, where a comma in a
 * path is written twice. Source: QEMU's manual, "-chardev" and "-qmp"; util/keyval.
 * NOT IMPLEMENTED: vsock, fd passing, TLS, telnet and websocket framing (such addresses are none for us).
 */
import { isAbsolute, join } from 'node:path';

/** Where to connect to. */
export type SocketAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** Named options, as QEMU's `name=value,name=value`. */
export type Options = ReadonlyMap<string, string>;

/** Splits at single commas; two stand for one. */
function splitCommas(text: string): string[] {
  const parts = [''];
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char !== ',') parts[parts.length - 1] += char;
    else if (text.charAt(at + 1) === ',') {
      parts[parts.length - 1] += ',';
      at += 1;
    } else parts.push('');
  }
  return parts;
}

/** A text as one value of an option: commas doubled. */
export const escapeCommas = (text: string): string => text.replaceAll(',', ',,');

/** The options in a text; a bare word counts as `on`, and the first one also under `first`. */
export function parseOptions(text: string, first?: string): Options {
  const options = new Map<string, string>();
  for (const [index, part] of splitCommas(text).entries()) {
    const equals = part.indexOf('=');
    if (equals > 0) options.set(part.slice(0, equals), part.slice(equals + 1));
    else if (index === 0 && first !== undefined) options.set(first, part);
    else options.set(part, 'on');
  }
  return options;
}

/**
 * The address that a QEMU listens at, in a legacy address (`unix:`, `tcp:`, `HOST:PORT` is none); undefined where it
 * connects by itself, or where we cannot. Relative paths count from `folder`, QEMU's working directory.
 */
export function parseListenAddress(text: string, folder: string): SocketAddress | undefined {
  const [place = '', ...words] = splitCommas(text);
  if (!isServer(parseOptions(words.join(',')))) return undefined;
  return parsePlace(place, folder);
}

/** The address of a `-chardev socket,...` that listens. */
export function socketOfChardev(options: Options, folder: string): SocketAddress | undefined {
  if (!isServer(options) || options.get('telnet') === 'on' || options.get('websocket') === 'on') return undefined;
  const path = options.get('path');
  if (path !== undefined) return { kind: 'unix', path: isAbsolute(path) ? path : join(folder, path) };
  const port = portOf(options.get('port') ?? '');
  return port === undefined ? undefined : { kind: 'tcp', host: localHost(options.get('host') ?? ''), port };
}

/** `unix:PATH`, `tcp:HOST:PORT`; undefined for anything else. */
export function parsePlace(place: string, folder: string): SocketAddress | undefined {
  if (place.startsWith('unix:')) {
    const path = place.slice('unix:'.length);
    return path === '' ? undefined : { kind: 'unix', path: isAbsolute(path) ? path : join(folder, path) };
  }
  const [, host, digits] = /^tcp:(.*):(\d+)$/.exec(place) ?? [];
  const port = portOf(digits ?? '');
  return host === undefined || port === undefined ? undefined : { kind: 'tcp', host: localHost(host), port };
}

/** The address as QEMU's `-qmp` and as people write it. */
export const addressText = (address: SocketAddress): string =>
  address.kind === 'unix' ? `unix:${address.path}` : `tcp:${address.host}:${address.port}`;

/** What Node's `connect` takes. */
export const connectOptions = (address: SocketAddress): { path: string } | { host: string; port: number } =>
  address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };

const isServer = (options: Options): boolean => {
  const server = options.get('server') ?? 'off';
  return server === 'on' || server === 'yes' || server === 'true' || server === '';
};

function portOf(digits: string): number | undefined {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  return port > 0 && port < 65536 ? port : undefined;
}

/** The host to connect to where QEMU listens on all of them. */
const localHost = (host: string): string => {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return bare === '' || bare === '0.0.0.0' ? '127.0.0.1' : bare === '::' ? '::1' : bare;
};
