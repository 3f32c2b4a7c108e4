// A registry that holds one image and wants to know who pulls, in the network namespace of an engine's own. It is a process,
// since a namespace is entered by a process.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Daemon, privateFolder, removeFolder } from './daemon';
import { LIVES_ON, rootfs } from './rootfs';

/** What the registry lets in. */
export const REGISTRY_USER = { username: 'lab', password: 'se:cret' };
const PORT = 5000;
/** Where an engine in that namespace finds it: both engines take plain HTTP from this address, podman if it is told so. */
export const REGISTRY = `127.0.0.1:${PORT}`;
/** The name and tag of the image. */
export const PULLED_IMAGE = `${REGISTRY}/lab/bb:9`;

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

// Registry HTTP API V2, as far as a pull needs it.
const SERVER = `
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const [folder, port, authorization] = process.argv.slice(1);
createServer((request, answer) => {
  if (request.headers.authorization !== authorization) {
    answer.writeHead(401, { 'WWW-Authenticate': 'Basic realm="lab"' });
    return answer.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] }));
  }
  const found = /^\\/v2\\/lab\\/bb\\/(?:manifests\\/(?:9|(sha256:[0-9a-f]{64}))|blobs\\/(sha256:[0-9a-f]{64}))$/.exec(request.url);
  if (request.url === '/v2/') return answer.end('{}');
  if (!found) return answer.writeHead(404).end('{"errors":[{"code":"NAME_UNKNOWN"}]}');
  const bytes = readFileSync(folder + '/' + (found[2] ?? 'manifest').replace(':', '-'));
  const digest = 'sha256:' + require('node:crypto').createHash('sha256').update(bytes).digest('hex');
  const type = found[2] ? 'application/octet-stream' : '${MANIFEST}';
  answer.writeHead(200, { 'Content-Type': type, 'Content-Length': bytes.length, 'Docker-Content-Digest': digest });
  answer.end(request.method === 'HEAD' ? undefined : bytes);
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
`;

/** Starts it; the result ends it. `enter` is put before its command line. */
export async function startRegistry(enter: readonly string[], busybox: string): Promise<() => Promise<void>> {
  const folder = privateFolder('registry');
  const content = join(folder, 'content');
  mkdirSync(content);
  const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const keep = (bytes: Buffer): { size: number; digest: string } => {
    const digest = digestOf(bytes);
    writeFileSync(join(content, digest.replace(':', '-')), bytes);
    return { size: bytes.length, digest };
  };
  const layer = await rootfs(busybox);
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/bin:/sbin'], Cmd: LIVES_ON },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created_by: 'test' }],
  };
  const type = (name: string): string => `application/vnd.docker.${name}`;
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: type('container.image.v1+json'), ...keep(Buffer.from(JSON.stringify(config))) },
    layers: [{ mediaType: type('image.rootfs.diff.tar.gzip'), ...keep(gzipSync(layer)) }],
  };
  writeFileSync(join(content, 'manifest'), JSON.stringify(manifest));
  const { username, password } = REGISTRY_USER;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const server = new Daemon([...enter, process.execPath, '-e', SERVER, content, String(PORT), authorization], folder);
  await server.start(async () => {
    if (!server.lastWords().includes('listening')) throw new Error('it does not listen yet');
  });
  return async () => {
    await server.end();
    await removeFolder(folder);
  };
}
