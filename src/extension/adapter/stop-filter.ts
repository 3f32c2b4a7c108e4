/**
 * Lets VS Code show where the guest is at each stop. VS Code selects the topmost frame that has a source: where the top
 * itself has none, another frame or none at all would be selected, and registers would be those of a caller or missing.
 * For one reason of a stop, "instruction breakpoint", it selects the top whatever it has, and shows its instructions. So
 * this is the reason that VS Code is told when the top has no source; the label says the real one.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';

/** Requests of ours: above the numbers that VS Code counts up from 1. */
const FIRST_REQUEST = 2 ** 30;
const SHOWS_INSTRUCTIONS = 'instruction breakpoint';

interface Held {
  readonly request: number;
  readonly stop: DebugProtocol.StoppedEvent;
  /** What the adapter has said since, in order. */
  readonly behind: DebugProtocol.ProtocolMessage[];
}

/** Stands between an adapter and VS Code: holds a stop back until it is known whether its top frame has a source. */
export class StopFilter {
  private lastRequest = FIRST_REQUEST;
  private held: Held | undefined;

  constructor(
    private readonly toAdapter: (request: DebugProtocol.Request) => void,
    private readonly toEditor: (message: DebugProtocol.ProtocolMessage) => void,
  ) {}

  /** Takes the adapter's next message. */
  take(message: DebugProtocol.ProtocolMessage): void {
    if (!this.held) {
      if (isStop(message)) this.hold(message);
      else this.toEditor(message);
    } else if (isAnswer(message, this.held.request)) {
      this.release(hasNoSource(message));
    } else {
      this.held.behind.push(message);
    }
  }

  /** The adapter is gone: what was held back is all there is. */
  end(): void {
    while (this.held) this.release(false);
  }

  private hold(stop: DebugProtocol.StoppedEvent): void {
    const request = ++this.lastRequest;
    this.held = { request, stop, behind: [] };
    const args = { threadId: stop.body.threadId, startFrame: 0, levels: 1 };
    this.toAdapter({ seq: request, type: 'request', command: 'stackTrace', arguments: args });
  }

  private release(showsInstructions: boolean): void {
    if (!this.held) return;
    const { stop, behind } = this.held;
    this.held = undefined;
    this.toEditor(showsInstructions ? { ...stop, body: instructionStop(stop.body) } : stop);
    for (const message of behind) this.take(message);
  }
}

type Stopped = DebugProtocol.StoppedEvent['body'];

function instructionStop(body: Stopped): Stopped {
  const said = body.reason === 'pause' ? 'Paused' : `Paused on ${body.reason}`;
  return { ...body, reason: SHOWS_INSTRUCTIONS, description: body.description ?? said };
}

const isStop = (message: DebugProtocol.ProtocolMessage): message is DebugProtocol.StoppedEvent =>
  message.type === 'event' && (message as DebugProtocol.Event).event === 'stopped';

const isAnswer = (
  message: DebugProtocol.ProtocolMessage,
  request: number,
): message is DebugProtocol.StackTraceResponse =>
  message.type === 'response' && (message as DebugProtocol.Response).request_seq === request;

/** False when the guest has gone on in the meantime: then nothing is shown. */
function hasNoSource({ success, body }: DebugProtocol.StackTraceResponse): boolean {
  const top = success ? body.stackFrames[0] : undefined;
  return top !== undefined && top.source === undefined;
}
