/**
 * HTTP connections to an engine behind ssh: each is one `ssh` process, whose far end runs `docker system dial-stdio`
 * (or Podman's). The user's own ssh, its configuration and agent are used; no shell is started at this end.
 */
import { spawn } from 'node:child_process';
import { Agent, type ClientRequestArgs } from 'node:http';
import { Duplex } from 'node:stream';
import type { Endpoint } from './endpoint';
import { sshFailed } from './errors';

type SshEndpoint = Extract<Endpoint, { kind: 'ssh' }>;

/** An agent whose connections go through ssh; `program` is the ssh program. */
export class SshAgent extends Agent {
  constructor(
    private readonly endpoint: SshEndpoint,
    private readonly program = 'ssh',
  ) {
    super({ keepAlive: true, maxFreeSockets: 2 });
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex {
    const stream = dial(this.endpoint, this.program);
    callback?.(null, stream);
    return stream;
  }
}

function dial({ host, user, port, program: remote }: SshEndpoint, program: string): Duplex {
  const destination = user === undefined ? host : `${user}@${host}`;
  const args = ['-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10'];
  if (port !== undefined) args.push('-p', String(port));
  const child = spawn(program, [...args, '--', destination, remote, 'system', 'dial-stdio'], {
    stdio: 'pipe',
    windowsHide: true,
  });
  let complaint = '';
  child.stderr.on('data', (bytes: Buffer) => {
    complaint = (complaint + bytes.toString('utf8')).slice(-500);
  });
  const stream = new SshStream(child.stdout, child.stdin, () => child.kill());
  child.on('error', (error) => stream.destroy(sshFailed(destination, error.message)));
  // Not at the end of its output: whether that is an end or a failure, the exit code says.
  child.on('close', (code) => {
    const words = complaint.trim().split('\n').at(-1) ?? '';
    if (code === 0) stream.push(null);
    else stream.destroy(sshFailed(destination, words === '' ? `it ended with code ${code}` : words));
  });
  return stream;
}

/** A process's output and input as one stream with what HTTP expects of a socket. */
class SshStream extends Duplex {
  constructor(
    private readonly output: NodeJS.ReadableStream,
    private readonly input: NodeJS.WritableStream,
    private readonly kill: () => void,
  ) {
    super();
    output.on('data', (bytes: Buffer) => {
      if (!this.push(bytes)) output.pause();
    });
    // The far side's end is told by the process's end.
    input.on('error', () => undefined);
  }

  override _read(): void {
    this.output.resume();
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    if (this.input.write(bytes)) done();
    else this.input.once('drain', done);
  }

  override _final(done: () => void): void {
    this.input.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.kill();
    done(error);
  }

  // HTTP's client asks these of a socket; a process has no such settings.
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
