/** The stack of the current stop, read as far as it is asked for, and the frame that is selected in it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import type { GuestSession } from './guest-session';

export type Frame = DebugProtocol.StackFrame;

/** Most frames that are read at a time. */
const PAGE = 32;

export class Stack {
  private frames: Frame[] = [];
  private isWhole = false;
  private selected = 0;
  private generation = -1;

  constructor(private readonly session: GuestSession) {}

  /** Number of the selected frame, 0 for the innermost. */
  get index(): number {
    this.refresh();
    return this.selected;
  }

  /** The selected frame. Rejects with a UserError while the guest runs. */
  async current(): Promise<Frame> {
    const frame = await this.at(this.index);
    if (!frame) throw new UserError('debug/no-frame', 'There is no stack here.');
    return frame;
  }

  /** Frame `index`, undefined behind the outermost. */
  async at(index: number): Promise<Frame | undefined> {
    return (await this.first(index + 1))[index];
  }

  /** The innermost `count` frames, or as many as there are. */
  async first(count: number): Promise<readonly Frame[]> {
    this.session.requireStopped();
    this.refresh();
    while (this.frames.length < count && !this.isWhole) {
      const startFrame = this.frames.length;
      // A stop shows one frame: the others cost nothing until somebody looks.
      const levels = Math.min(PAGE, count - startFrame);
      const { stackFrames, totalFrames } = await this.session.request<DebugProtocol.StackTraceResponse['body']>(
        'stackTrace',
        { threadId: this.session.thread, startFrame, levels },
      );
      this.frames.push(...stackFrames);
      this.isWhole = stackFrames.length < levels || (totalFrames !== undefined && this.frames.length >= totalFrames);
    }
    return this.frames.slice(0, count);
  }

  /** Selects frame `index`. Rejects with a UserError when it is not there. */
  async select(index: number): Promise<Frame> {
    const frame = index < 0 ? undefined : await this.at(index);
    if (!frame)
      throw new UserError('debug/frame', index < 0 ? 'This is the innermost frame.' : `There is no frame ${index}.`);
    this.selected = index;
    return frame;
  }

  private refresh(): void {
    if (this.generation === this.session.generation) return;
    this.generation = this.session.generation;
    this.frames = [];
    this.isWhole = false;
    this.selected = 0;
  }
}
