/**
 * A container as the tree needs it, from either API's list. Only what a row shows is kept, so that thousands are cheap.
 * Source: Docker Engine API 1.41, GET /containers/json; libpod API 4, GET /libpod/containers/json.
 */
import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import type { ItemState } from '../provider';

/** One container of a list. */
export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  /** The engine's word: `running`, `exited`. */
  readonly word: string;
  readonly exitCode: number | undefined;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly command: string;
  readonly ports: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly networks: readonly string[];
  readonly pod: { readonly id: string; readonly name: string } | undefined;
  /** The container that only holds a pod's namespaces. */
  readonly isInfra: boolean;
}

/** The state in which the tree shows it. A container that was stopped by a signal has not failed. */
export function containerState({ word, exitCode }: ContainerSummary): ItemState {
  switch (word) {
    case 'running':
    case 'paused':
      return word;
    case 'created':
    case 'configured':
    case 'initialized':
      return 'stopped';
    case 'exited':
    case 'stopped':
      return [undefined, 0, 130, 137, 143].includes(exitCode) ? 'stopped' : 'failed';
    case 'dead':
      return 'failed';
    case 'restarting':
    case 'removing':
    case 'stopping':
      return 'changing';
    default:
      return 'unknown';
  }
}

/** The project of Docker Compose (or podman-compose) that it belongs to. */
export const composeProject = ({ labels }: ContainerSummary): string | undefined =>
  labels['com.docker.compose.project'] ?? labels['io.podman.compose.project'];

/** A row of Docker's list. */
export function fromDocker(info: ContainerInfo): ContainerSummary {
  const exit = /^Exited \((\d+)\)/.exec(info.Status)?.[1];
  return {
    id: info.Id,
    name: info.Names[0]?.replace(/^\//, '') ?? info.Id.slice(0, 12),
    image: info.Image,
    word: info.State,
    exitCode: exit === undefined ? undefined : Number(exit),
    created: info.Created * 1000,
    command: info.Command,
    ports: info.Ports.map(({ IP, PublicPort, PrivatePort, Type }) =>
      PublicPort ? `${IP ? `${IP}:` : ''}${PublicPort}->${PrivatePort}/${Type}` : `${PrivatePort}/${Type}`,
    ),
    labels: info.Labels,
    networks: Object.keys(info.NetworkSettings?.Networks ?? {}),
    pod: undefined,
    isInfra: false,
  };
}

/** The same from Docker's inspect, which is up to date when an event arrives; its list may lag a moment behind. */
export function fromInspect(info: ContainerInspectInfo): ContainerSummary {
  const { State, Config, NetworkSettings } = info;
  const ports = Object.entries(NetworkSettings.Ports ?? {}) as [
    string,
    { HostIp: string; HostPort: string }[] | null,
  ][];
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    image: Config.Image,
    word: State.Status,
    exitCode: State.Status === 'exited' ? State.ExitCode : undefined,
    created: Date.parse(info.Created),
    command: [info.Path, ...(info.Args ?? [])].join(' '),
    ports: ports.flatMap(([inside, outside]) =>
      outside ? outside.map(({ HostIp, HostPort }) => `${HostIp ? `${HostIp}:` : ''}${HostPort}->${inside}`) : [inside],
    ),
    labels: Config.Labels,
    networks: Object.keys(NetworkSettings.Networks ?? {}),
    pod: undefined,
    isInfra: false,
  };
}

/** What libpod's list says of a container, as far as it is read here. */
export interface LibpodContainer {
  readonly Id: string;
  readonly Names: readonly string[] | null;
  readonly Image: string;
  readonly State: string;
  readonly ExitCode: number;
  readonly Created: string;
  readonly Command: readonly string[] | null;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly Networks: readonly string[] | null;
  readonly Pod: string;
  readonly PodName: string;
  readonly IsInfra: boolean;
  readonly Ports:
    readonly { host_ip: string; host_port: number; container_port: number; protocol: string; range: number }[] | null;
}

/** A row of libpod's list. */
export function fromLibpod(info: LibpodContainer): ContainerSummary {
  return {
    id: info.Id,
    name: info.Names?.[0] ?? info.Id.slice(0, 12),
    image: info.Image,
    word: info.State,
    exitCode: info.State === 'exited' || info.State === 'stopped' ? info.ExitCode : undefined,
    created: Date.parse(info.Created),
    command: info.Command?.join(' ') ?? '',
    ports: (info.Ports ?? []).map(
      ({ host_ip, host_port, container_port, protocol }) =>
        `${host_ip === '' ? '' : `${host_ip}:`}${host_port}->${container_port}/${protocol}`,
    ),
    labels: info.Labels ?? {},
    networks: info.Networks ?? [],
    pod: info.Pod === '' || info.Pod === undefined ? undefined : { id: info.Pod, name: info.PodName },
    isInfra: info.IsInfra,
  };
}
