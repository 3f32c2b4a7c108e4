/**
 * Running an image by a short flow, pulling with the credentials that the engine's own program has, tagging.
 */
import type { ImageInfo } from 'dockerode';
import { UserError } from '../../../common/errors';
import { byteStream } from '../../byte-streams';
import { splitCommandLine } from '../../command-line';
import { sentence, unknownToRegistry } from '../errors';
import { credentialsFor } from '../registry-credentials';
import { imageName } from '../rows';
import { nameProblem } from './details';
import type { ActionContext, DockerAction } from './action';
import { resizer } from './terminals';

/** The actions on images. */
export const imageActions: readonly DockerAction[] = [
  {
    id: 'runImage',
    title: 'Run Image...',
    icon: 'play',
    group: 'inline',
    on: ['image'],
    execute: async (context) => {
      const { engine, signal, subjects } = context;
      const [subject] = subjects;
      if (!subject) return;
      await runImage(context, nameOrId(await engine.call(signal, (docker) => docker.getImage(subject.name).inspect())));
    },
  },
  {
    id: 'run',
    title: 'Run Image...',
    icon: 'play',
    group: 'inline',
    on: [],
    execute: async (context) => {
      const { engine, signal, desk } = context;
      const images = await engine.call(signal, (docker) => docker.listImages({ abortSignal: signal }));
      if (images.length === 0) return desk.tell('There is no image here yet: pull one first.');
      const choices = images.map((image) => ({ label: imageName(image), value: nameOrId(image) }));
      await runImage(context, await desk.choose('Image to run', choices));
    },
  },
  {
    id: 'pull',
    title: 'Pull Image...',
    icon: 'cloud-download',
    group: 'change',
    on: [],
    execute: async (context) => {
      const reference = await context.desk.ask('Image to pull', { placeholder: 'docker.io/library/alpine:latest' });
      if (reference === undefined || reference.trim() === '') return;
      await pull(context, reference.trim());
      context.desk.tell(`Pulled ${reference.trim()}.`);
    },
  },
  {
    id: 'tag',
    title: 'Add Tag...',
    icon: 'tag',
    group: 'change',
    on: ['image'],
    execute: async ({ engine, signal, desk, subjects }) => {
      const name = await desk.ask('New name for the image', { placeholder: 'registry/name:tag' });
      if (name === undefined || name.trim() === '') return;
      const [repo, tag] = splitReference(name.trim());
      for (const subject of subjects) {
        const path = `/images/${encodeURIComponent(subject.name)}/tag`;
        await engine.request({ method: 'POST', path, query: { repo, tag } }, signal);
      }
    },
  },
];

// A container tells later by what its image was called when it was made.
const nameOrId = (image: Pick<ImageInfo, 'RepoTags' | 'Id'>): string =>
  image.RepoTags?.some((tag) => !tag.startsWith('<none>')) ? imageName(image) : image.Id;

/** Name and tag of an image reference; the tag is `latest` where there is none. A colon before a slash is a port's. */
export function splitReference(reference: string): [string, string] {
  const colon = reference.lastIndexOf(':');
  if (colon <= reference.lastIndexOf('/')) return [reference, 'latest'];
  return [reference.slice(0, colon), reference.slice(colon + 1)];
}

/** Published ports such as `8080:80, 127.0.0.1:53:53/udp`, as the engine takes them. Throws a UserError. */
export function parsePorts(text: string): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const part of text.split(/[\s,]+/).filter((one) => one !== '')) {
    const match = /^(?:(?:\[([0-9a-fA-F:]+)\]|([\d.]+)):)?(\d+):(\d+)(?:\/(tcp|udp|sctp))?$/.exec(part);
    const [, ip6, ip4, host = '', container = '', protocol = 'tcp'] = match ?? [];
    if (!match || [host, container].some((port) => Number(port) < 1 || Number(port) > 65535)) {
      throw new UserError('container/ports', `"${part}" is no published port: write host:container, such as 8080:80.`);
    }
    (bindings[`${container}/${protocol}`] ??= []).push({ HostIp: ip6 ?? ip4 ?? '', HostPort: host });
  }
  return bindings;
}

const checked = (check: (text: string) => unknown) => (text: string) => {
  try {
    check(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

async function runImage(context: ActionContext, image: string | undefined): Promise<void> {
  const { desk, engine, signal } = context;
  if (image === undefined) return;
  const isInteractive = await desk.choose('How is it to run?', [
    { label: 'In the background', value: false },
    { label: 'With a terminal', value: true },
  ]);
  if (isInteractive === undefined) return;
  const name = await desk.ask('Name of the container', {
    placeholder: 'empty: the engine makes one up',
    check: nameProblem,
  });
  if (name === undefined) return;
  const line = await desk.ask('Command', { placeholder: "empty: the image's own", check: checked(splitCommandLine) });
  if (line === undefined) return;
  const ports = await desk.ask('Published ports', { placeholder: '8080:80, 5353:53/udp', check: checked(parsePorts) });
  if (ports === undefined) return;

  const bindings = parsePorts(ports);
  const command = splitCommandLine(line);
  context.progress('Creating the container');
  const { Id } = await engine.request<{ Id: string }>(
    {
      method: 'POST',
      path: '/containers/create',
      query: name === '' ? {} : { name },
      body: {
        Image: image,
        ...(command.length > 0 && { Cmd: command }),
        Tty: isInteractive,
        OpenStdin: isInteractive,
        ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
        HostConfig: { PortBindings: bindings },
      },
    },
    signal,
  );
  // Attached before it starts, so that the first output is seen.
  if (isInteractive) await attach(context, Id, name === '' ? Id.slice(0, 12) : name);
  context.progress('Starting it');
  await engine.request({ method: 'POST', path: `/containers/${Id}/start` }, signal);
}

async function attach({ engine, desk, signal }: ActionContext, id: string, title: string): Promise<void> {
  const query = { stream: 'true', stdin: 'true', stdout: 'true', stderr: 'true' };
  const duplex = await engine.hijack({ method: 'POST', path: `/containers/${id}/attach`, query }, signal);
  desk.openTerminal(title, byteStream(duplex, { input: duplex, resize: resizer(engine, `/containers/${id}/resize`) }));
}

interface PullProgress {
  readonly status?: string;
  readonly id?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

const isUnknownUser = (message: string): boolean =>
  /unauthorized|authentication required|no basic auth credentials|invalid username\/password/i.test(message);

async function pull({ engine, signal, progress }: ActionContext, reference: string): Promise<void> {
  const [fromImage, tag] = splitReference(reference);
  const credentials = await credentialsFor(reference, engine.isPodman);
  const stream = await engine
    .stream({ method: 'POST', path: '/images/create', query: { fromImage, tag }, credentials }, signal)
    .catch((error: Error) => {
      throw isUnknownUser(error.message) ? unknownToRegistry(reference, engine.isPodman) : error;
    });
  const giveUp = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter((one) => one.trim() !== '')) {
      const { status, id, error, progressDetail } = JSON.parse(line) as PullProgress;
      if (error !== undefined && isUnknownUser(error)) throw unknownToRegistry(reference, engine.isPodman);
      if (error !== undefined)
        throw new UserError('image/pull', `${reference} could not be pulled: ${sentence(error)}`);
      const { current, total } = progressDetail ?? {};
      const words = [status, id].filter((word) => word !== undefined).join(' ');
      progress(words, current === undefined || !total ? undefined : current / total);
    }
  }
  signal.removeEventListener('abort', giveUp);
}
