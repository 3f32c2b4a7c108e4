/**
 * Finds the guest's programs while it runs: where a kernel that moves itself has come to lie, and which modules it loads and
 * unloads. It stops the guest for that, unseen by the user, whose operation goes on behind it.
 */
import type { CodeBreakpoint, Stop, Target } from '../targets/target';
import type { Emit } from './handler';
import type { Images } from './images/images';
import { moduleOf } from './images/module';
import type { OwnStops } from './runner';
import { unwind } from './stack';

// A kernel loads CR3 a handful of times before it runs at its place; what loads it more often is not that kernel.
const MOST_SEARCHES = 1000;
/** Breakpoints of our own have numbers that no breakpoint of the user's has. */
const MODULE_LOADED = -1;
const MODULE_UNLOADING = -2;

/** What the programs are found in, and who hears of them. */
export interface ProgramSurroundings {
  readonly images: Images;
  readonly target: Target;
  /** The vCPU that the last stop was about. */
  readonly lastThread: number;
  readonly emit: Emit;
  say(text: string): void;
  /** Programs have come, gone or been found: breakpoints have other places. */
  onChange(): Promise<void>;
}

export class GuestPrograms implements OwnStops {
  private searches = 0;

  constructor(private readonly around: ProgramSurroundings) {}

  /** The guest starts again. */
  forget(): void {
    this.searches = 0;
  }

  /** Whether a program has to be looked for at each load of CR3. */
  get wantsAddressSpaces(): boolean {
    return this.around.images.isWaiting && this.searches < MOST_SEARCHES;
  }

  /** Where the kernel says that its modules change. */
  get breakpoints(): readonly CodeBreakpoint[] {
    const events = this.around.images.moduleEvents;
    if (!events) return [];
    return [
      { id: MODULE_LOADED, linear: events.loaded },
      { id: MODULE_UNLOADING, linear: events.unloading },
    ];
  }

  /** Looks for the programs whose place is not known. */
  async place(): Promise<void> {
    const { images, target, lastThread, emit } = this.around;
    if (!images.isIncomplete) return;
    this.searches++;
    const found = await images.place(target, lastThread);
    for (const image of found) {
      emit('module', { reason: 'changed', module: moduleOf(image) });
      const slide =
        image.slide === 0n ? 'where its symbols say' : `0x${image.slide!.toString(16)} above its link address`;
      this.around.say(`${image.name} lies ${slide}.`);
    }
    // Of a guest that runs already, modules are there already.
    if (found.length > 0) await this.refreshModules();
    if (this.searches === MOST_SEARCHES && images.isWaiting)
      this.around.say('The programs named as "symbols" were not found in memory: do they belong to this kernel?');
    if (found.length > 0 || this.searches === MOST_SEARCHES) await this.around.onChange();
  }

  has({ reason, ids = [] }: Stop): boolean {
    return reason === 'address space' || ids.some((id) => id < 0);
  }

  async note({ reason, ids = [] }: Stop): Promise<readonly number[]> {
    const { target, lastThread } = this.around;
    if (reason === 'address space') await this.place();
    let changes = 0;
    if (ids.includes(MODULE_LOADED)) changes += await this.refreshModules();
    if (ids.includes(MODULE_UNLOADING)) {
      // The first argument of the kernel's function. System V ABI for x86-64, 3.2.3.
      const general = await target.registers(lastThread, 'General');
      changes += await this.refreshModules(general.find(({ name }) => name === 'RDI')?.value);
    }
    if (changes > 0) await this.around.onChange();
    return ids.filter((id) => id >= 0);
  }

  async here(thread: number): Promise<bigint> {
    return (await this.around.target.position(thread)).linear;
  }

  async backTo(thread: number, start: bigint, end: bigint) {
    const { target, images } = this.around;
    const position = await target.position(thread);
    for await (const { ip, sp } of unwind(target, thread, images, position)) {
      if (ip !== position.linear && ip >= start && ip <= end) {
        return { kind: 'runTo', linear: [ip], stackAbove: sp - 1n } as const;
      }
    }
    return undefined;
  }

  /** Takes in the modules that the guest has now; gives how many came and went. */
  private async refreshModules(unloading?: bigint): Promise<number> {
    const { images, target, lastThread, emit } = this.around;
    const { added, removed } = await images.refreshModules(target, lastThread, unloading);
    for (const image of removed) emit('module', { reason: 'removed', module: moduleOf(image) });
    for (const image of added) emit('module', { reason: 'new', module: moduleOf(image) });
    return added.length + removed.length;
  }
}
