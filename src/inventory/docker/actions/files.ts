/**
 * Files in and out of containers, as tar archives through the engine; a container need not run for it.
 * What comes out is written below the chosen folder alone: names that would climb out of it, links and devices are left
 * out, since a container's files are a stranger's.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdir, readdir, readlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Header, Pack } from 'tar-stream';
import { counted } from '../../amounts';
import { engineError } from '../errors';
import type { ActionContext, DockerAction } from './action';

const absolute = (path: string): string | undefined =>
  path.startsWith('/') ? undefined : 'Write a path from the root of the container, such as /etc/hosts.';

/** The actions that copy. */
export const fileActions: readonly DockerAction[] = [
  {
    id: 'copyFrom',
    title: 'Copy from Container...',
    icon: 'cloud-download',
    group: 'change',
    on: ['container'],
    execute: async (context) => {
      const { desk, subjects } = context;
      const [subject] = subjects;
      const path = await desk.ask('File or folder in the container', { placeholder: '/etc/hosts', check: absolute });
      if (!subject || path === undefined || absolute(path) !== undefined) return;
      const folder = await desk.chooseFile('Folder to copy it into', { folder: true });
      if (folder === undefined) return;
      context.progress('Copying');
      const { files, left } = await copyOut(context, subject.name, path, folder);
      const rest = left === 0 ? '' : ` ${counted(left, 'link or device')} left out.`;
      desk.tell(`Copied ${counted(files, 'file')} to ${folder}.${rest}`);
    },
  },
  {
    id: 'copyTo',
    title: 'Copy to Container...',
    icon: 'cloud-upload',
    group: 'change',
    on: ['container'],
    execute: async (context) => {
      const { desk, subjects } = context;
      const [subject] = subjects;
      const isFolder = await desk.choose('What is to be copied?', [
        { label: 'A file', value: false },
        { label: 'A folder', value: true },
      ]);
      if (!subject || isFolder === undefined) return;
      const source = await desk.chooseFile('What is to be copied?', { folder: isFolder });
      if (source === undefined) return;
      const path = await desk.ask('Folder in the container', { value: '/tmp', check: absolute });
      if (path === undefined || absolute(path) !== undefined) return;
      context.progress('Copying');
      const count = await copyIn(context, subject.name, path, source);
      context.desk.tell(`Copied ${counted(count, 'file')} to ${path}.`);
    },
  },
];

/** Copies a file or folder of this machine into a folder of a container; gives the number of files. */
export async function copyIn(
  { engine, signal }: Pick<ActionContext, 'engine' | 'signal'>,
  container: string,
  path: string,
  source: string,
): Promise<number> {
  const { pack } = await import('tar-stream');
  const archive = pack();
  const sending = engine.call(signal, (docker) =>
    docker.getContainer(container).putArchive(Readable.from(archive), { path, abortSignal: signal }),
  );
  const endOnFailure = (error: unknown): never => {
    archive.destroy();
    throw error;
  };
  const [sent, filled] = await Promise.allSettled([
    sending.catch(endOnFailure),
    fill(archive, source).catch(endOnFailure),
  ]);
  // The engine's word is the better explanation where both fail.
  if (sent.status === 'rejected') throw engineError(sent.reason, engine.name);
  if (filled.status === 'rejected') throw engineError(filled.reason, engine.name);
  return filled.value;
}

/** Packs a file, or a folder with all in it, under its own name. Gives the number of files. */
async function fill(archive: Pack, source: string): Promise<number> {
  let count = 0;
  const add = async (path: string, name: string): Promise<void> => {
    const stats = await lstat(path);
    const header: Partial<Header> & { name: string } = { name, mode: stats.mode & 0o7777, mtime: stats.mtime };
    if (stats.isDirectory()) {
      archive.entry({ ...header, type: 'directory' });
      for (const child of (await readdir(path)).sort()) await add(join(path, child), posix.join(name, child));
    } else if (stats.isSymbolicLink()) {
      archive.entry({ ...header, type: 'symlink', linkname: await readlink(path) });
    } else if (stats.isFile()) {
      await pipeline(createReadStream(path), archive.entry({ ...header, size: stats.size, type: 'file' }));
      count += 1;
    }
  };
  await add(source, basename(source));
  archive.finalize();
  return count;
}

/** Copies a path of a container below `folder`; tells how many files came and how many entries were left out. */
export async function copyOut(
  { engine, signal }: Pick<ActionContext, 'engine' | 'signal'>,
  container: string,
  path: string,
  folder: string,
): Promise<{ files: number; left: number }> {
  const { extract } = await import('tar-stream');
  const source = await engine.stream(
    { method: 'GET', path: `/containers/${encodeURIComponent(container)}/archive`, query: { path } },
    signal,
  );
  const entries = extract();
  let files = 0;
  let left = 0;
  entries.on('entry', (header, stream, next) => {
    const target = placeFor(header, folder);
    if (target === undefined) {
      left += 1;
      stream.on('end', next);
      stream.resume();
      return;
    }
    void writeEntry(header, Readable.from(stream), target).then(
      () => {
        if (header.type === 'file') files += 1;
        next();
      },
      (error: Error) => next(error),
    );
  });
  try {
    await pipeline(source, entries, { signal });
  } catch (error) {
    throw engineError(error, engine.name);
  }
  return { files, left };
}

function placeFor({ name, type }: Header, folder: string): string | undefined {
  if (type !== 'file' && type !== 'directory') return undefined;
  const target = resolve(folder, name);
  const way = relative(resolve(folder), target);
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way) ? undefined : target;
}

async function writeEntry({ type, mode }: Header, stream: Readable, target: string): Promise<void> {
  if (type === 'directory') {
    stream.resume();
    await mkdir(target, { recursive: true });
    return;
  }
  await mkdir(dirname(target), { recursive: true });
  // No set-user-id bits from a stranger; the owner can always read what was copied.
  await pipeline(stream, createWriteStream(target, { mode: ((mode ?? 0o644) & 0o777) | 0o600 }));
}
