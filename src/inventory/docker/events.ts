/**
 * An engine's events: one line of JSON each, as long as the connection lives.
 * Source: Docker Engine API 1.41, GET /events; Podman answers the same form.
 */
import type { IncomingMessage } from 'node:http';
import type { EngineEvent } from '../provider';
import type { DockerEngine } from './engine';

/** One event as the engine sends it. */
export interface DockerEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> };
  /** Seconds since 1970. */
  readonly time: number;
  /** Nanoseconds since 1970, too large for a number to hold exactly. */
  readonly timeNano?: number;
}

// A line without an end must not fill the memory.
const LONGEST_LINE = 1 << 20;

/** Reads events until the connection ends; `opened` is called once the engine has answered. */
export async function readEvents(
  engine: DockerEngine,
  signal: AbortSignal,
  opened: () => void,
  hear: (event: DockerEvent) => void,
): Promise<void> {
  const stream: IncomingMessage = await engine.stream({ method: 'GET', path: '/events' }, signal);
  const end = (): void => void stream.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    opened();
    let rest = '';
    stream.setEncoding('utf8');
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') hearLine(line, hear);
      // Podman ends its lines; an engine that did not would still end its objects.
      if (rest.length > LONGEST_LINE) rest = '';
    }
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function hearLine(line: string, hear: (event: DockerEvent) => void): void {
  const event = parse(line);
  if (typeof event?.Type === 'string' && typeof event.Action === 'string' && typeof event.Actor?.ID === 'string') {
    hear(event);
  }
}

function parse(line: string): DockerEvent | undefined {
  try {
    return JSON.parse(line) as DockerEvent;
  } catch {
    return undefined;
  }
}

/** Whether it says only that somebody looked: those are many, and change nothing. */
export const isNoise = ({ Action }: DockerEvent): boolean =>
  /^(exec_|top$|attach$|resize$|export$|archive-path$)/.test(Action);

const WARNINGS = /^(oom|die|kill|health_status: unhealthy)/;

/** The event as the feed shows it. A container that ended with 0 is no warning. */
export function feedEvent(event: DockerEvent): EngineEvent {
  const { Type, Action, Actor, time, timeNano } = event;
  const { name, image, exitCode, containerExitCode } = Actor.Attributes ?? {};
  const code = exitCode ?? containerExitCode;
  const details = [
    image && Type === 'container' ? image : undefined,
    code === undefined ? undefined : `exit code ${code}`,
  ];
  const words = details.filter((detail) => detail !== undefined).join(', ');
  const milliseconds = timeNano === undefined ? time * 1000 : Math.floor(timeNano / 1e6);
  return {
    time: new Date(milliseconds).toISOString(),
    item: `${Type}:${Actor.ID}`,
    text: `${Type} ${name ?? Actor.ID.slice(0, 12)}: ${Action}${words === '' ? '' : ` (${words})`}`,
    isWarning: WARNINGS.test(Action) && !(Action === 'die' && (code === undefined || code === '0')),
  };
}
