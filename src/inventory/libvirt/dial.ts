/**
 * The way to a daemon: its socket, TCP, or one `ssh` process whose far end runs libvirt's own `virt-ssh-helper`. The
 * user's own ssh, its configuration and agent are used; no shell is started at this end.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { sshFailed } from './errors';
import type { LibvirtUri, Transport } from './uri';

/** A new connection; its failures are its own `error` events. `program` is the ssh program. */
export function dial({ name, transport }: LibvirtUri, program = 'ssh'): Duplex {
  switch (transport.kind) {
    case 'unix':
      return connect({ path: transport.paths.find((path) => existsSync(path)) ?? transport.paths[0] ?? '' });
    case 'tcp':
      return connect({ host: transport.host, port: transport.port });
    case 'ssh':
      return dialSsh(transport, name, program);
  }
}

/** The place as people write it. */
export function placeOf(transport: Transport): string {
  switch (transport.kind) {
    case 'unix':
      return transport.paths.find((path) => existsSync(path)) ?? transport.paths[0] ?? '';
    case 'tcp':
      return `${transport.host}:${transport.port}`;
    case 'ssh':
      return `${transport.user === undefined ? '' : `${transport.user}@`}${transport.host}`;
  }
}

type Ssh = Extract<Transport, { kind: 'ssh' }>;

function dialSsh(transport: Ssh, name: string, program: string): Duplex {
  const destination = placeOf(transport);
  const args = ['-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'];
  if (transport.port !== undefined) args.push('-p', String(transport.port));
  const child = spawn(program, [...args, '--', destination, 'virt-ssh-helper', name], {
    stdio: 'pipe',
    windowsHide: true,
  });
  const { stdin, stdout, stderr } = child;
  let complaint = '';
  stderr.on('data', (bytes: Buffer) => {
    complaint = (complaint + bytes.toString('utf8')).slice(-500);
  });
  const stream = new Duplex({
    read: () => void stdout.resume(),
    write: (bytes: Buffer, _, done) => void (stdin.write(bytes) ? done() : stdin.once('drain', done)),
    final: (done) => void stdin.end(done),
    destroy: (error, done) => {
      child.kill();
      done(error);
    },
  });
  stdout.on('data', (bytes: Buffer) => {
    if (!stream.push(bytes)) stdout.pause();
  });
  stdin.on('error', () => undefined);
  child.on('error', (error) => stream.destroy(sshFailed(destination, error.message)));
  child.on('close', (code) => {
    const words = complaint.trim().split('\n').at(-1) ?? '';
    if (code === 0) stream.push(null);
    else stream.destroy(sshFailed(destination, words === '' ? `it ended with code ${code}` : words));
  });
  return stream;
}
