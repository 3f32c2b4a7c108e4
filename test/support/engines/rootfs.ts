// A root file system of 2 MB for container images: busybox and links to it, as a tar archive.
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';

const APPLETS =
  'sh ash cat chmod cp cut date dd df echo env false grep head hostname httpd id kill ln ls mkdir mount mv nc printf ps ' +
  'pwd rm sed seq sleep sort stat stty tail touch tr true tty umount uname wc wget yes';

/** The archive: the same bytes for the same busybox. */
export async function rootfs(busybox: string): Promise<Buffer> {
  const archive = pack();
  const mtime = new Date(0);
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'root', 'tmp', 'var', 'www']) {
    archive.entry({ name: `${name}/`, type: 'directory', mode: name === 'tmp' ? 0o1777 : 0o755, mtime });
  }
  archive.entry({ name: 'bin/busybox', mode: 0o755, mtime }, readFileSync(busybox));
  for (const applet of APPLETS.split(' ')) {
    archive.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox', mtime });
  }
  archive.entry(
    { name: 'etc/passwd', mode: 0o644, mtime },
    'root:x:0:0:root:/root:/bin/sh\nguest:x:1000:1000::/tmp:/bin/sh\n',
  );
  archive.entry({ name: 'etc/group', mode: 0o644, mtime }, 'root:x:0:\nguest:x:1000:\n');
  archive.finalize();
  return buffer(Readable.from(archive));
}

/** A first process that ends at once on SIGTERM, which a bare `sleep` as PID 1 would ignore. */
export const LIVES_ON = ['/bin/sh', '-c', 'trap "exit 0" TERM; echo ready; while :; do sleep 1 & wait $!; done'];
