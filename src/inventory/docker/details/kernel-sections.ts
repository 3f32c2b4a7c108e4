/**
 * A container's isolation as this machine's kernel tells it. Only where the engine's processes are this machine's: its
 * socket is local and /proc shows the container's process in a control group that bears its id.
 */
import { readFile } from 'node:fs/promises';
import type { ContainerInspectInfo } from 'dockerode';
import { cgroupControls } from '../../isolation/cgroup';
import { compareNamespaces, namespacesOf, type NamedNamespaces } from '../../isolation/namespaces';
import { processRights } from '../../isolation/process-status';
import { mapLimited } from '../../limited';
import type { DetailSection } from '../../provider';
import type { ContainerBook } from '../container-book';
import type { DockerEngine } from '../engine';

// Past this many neighbours a comparison would keep the engine busy.
const MOST_NEIGHBOURS = 100;

/** Namespaces, control groups and rights; none where the container is not this machine's or does not run. */
export async function kernelSections(
  engine: DockerEngine,
  book: ContainerBook,
  info: ContainerInspectInfo,
  signal: AbortSignal,
): Promise<readonly DetailSection[]> {
  const pid = info.State.Pid;
  if (!engine.isLocal || pid <= 0 || !(await isProcessOf(pid, info.Id))) return [];
  const [own, host, others, controls, rights] = await Promise.all([
    namespacesOf(pid),
    namespacesOf(1).then(async (ofInit) => (Object.keys(ofInit).length > 0 ? ofInit : namespacesOf('self'))),
    neighbours(engine, book, info.Id, signal),
    cgroupControls(pid),
    processRights(pid),
  ]);
  const everybody = [{ name: 'the host', namespaces: host }, ...others];
  return [
    {
      title: 'Namespaces',
      columns: ['namespace', 'inode', 'shared with'],
      rows: compareNamespaces(own, everybody).map(({ kind, inode, sharedWith }) => [
        kind,
        String(inode),
        sharedWith.length === 0 ? 'nobody' : sharedWith.join(', '),
      ]),
    },
    {
      title: 'Control groups',
      columns: ['control', 'now', 'limit', 'folder'],
      rows: controls.map(({ name, current, limit, folder }) => [name, current, limit, folder]),
    },
    ...(rights ? [{ title: 'Rights of the first process', columns: [], rows: rights }] : []),
  ];
}

/** Process numbers are the engine's host's: the same number here may be anybody. */
async function isProcessOf(pid: number, container: string): Promise<boolean> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return groups.includes(container);
}

async function neighbours(
  engine: DockerEngine,
  book: ContainerBook,
  self: string,
  signal: AbortSignal,
): Promise<readonly NamedNamespaces[]> {
  const running = (await book.read(signal)).filter(({ id, word }) => id !== self && word === 'running');
  return mapLimited(running.slice(0, MOST_NEIGHBOURS), 8, async ({ id, name }) => {
    const pid = await engine
      .call(signal, (docker) => docker.getContainer(id).inspect({ abortSignal: signal }))
      .then(
        ({ State }) => State.Pid,
        () => 0,
      );
    return { name, namespaces: pid > 0 ? await namespacesOf(pid) : {} };
  });
}
