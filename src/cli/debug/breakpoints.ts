/**
 * The user's breakpoints under numbers of their own. The protocol replaces all breakpoints of a kind at once: each change
 * here sends the lists of the kind that changed, and a new session gets all of them.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../common/errors';
import type { Breakpoint, Trigger } from './breakpoint';
import type { GuestSession } from './guest-session';
import type { Location } from './location';

/** What a new breakpoint can have besides its trigger. */
export interface Extras {
  readonly isTemporary?: boolean;
  readonly condition?: string | undefined;
  readonly logMessage?: string;
}

type Answers = readonly DebugProtocol.Breakpoint[];

export class Breakpoints {
  private readonly byNumber = new Map<number, Breakpoint>();
  private numbers = 0;

  constructor(private readonly session: GuestSession) {}

  /** All of them by rising number. */
  list(): readonly Breakpoint[] {
    return [...this.byNumber.values()];
  }

  /** Adds one and tells the adapter. What the adapter refuses is not kept. */
  async add(trigger: Trigger, { isTemporary = false, condition, logMessage }: Extras = {}): Promise<Breakpoint> {
    const number = ++this.numbers;
    const breakpoint: Breakpoint = { number, trigger, isTemporary, isEnabled: true, condition, logMessage, hits: 0 };
    this.byNumber.set(number, breakpoint);
    try {
      await this.tell(trigger);
    } catch (error) {
      this.byNumber.delete(number);
      this.numbers--;
      await this.tell(trigger).catch(() => {});
      throw error;
    }
    return breakpoint;
  }

  /** Removes these, or all if none is named. */
  async remove(numbers: readonly number[]): Promise<void> {
    await this.change(numbers, ({ number }) => this.byNumber.delete(number));
  }

  /** Changes these, or all if none is named, and tells the adapter. Rejects with a UserError for an unknown number. */
  async change(numbers: readonly number[], edit: (breakpoint: Breakpoint) => void): Promise<void> {
    const chosen = numbers.length > 0 ? numbers.map((number) => this.get(number)) : this.list();
    chosen.forEach(edit);
    for (const { trigger } of oneOfEachList(chosen)) await this.tell(trigger);
  }

  /** Tells a new session everything. What it refuses stays in the list, with the reason. */
  async tellAll(): Promise<void> {
    for (const breakpoint of this.list()) breakpoint.answer = undefined;
    for (const first of oneOfEachList(this.list())) {
      await this.tell(first.trigger).catch((error: Error) => {
        const alike = this.list().filter((other) => listOf(other.trigger) === listOf(first.trigger));
        for (const breakpoint of alike) breakpoint.answer = { verified: false, message: error.message };
      });
    }
    if (this.ofKind('event').length === 0) await this.tell(DEFAULT_EVENTS);
  }

  /** Counts a stop at those with these ids of the adapter's; gives them, temporary ones removed already. */
  async hit(ids: readonly number[]): Promise<readonly Breakpoint[]> {
    const hit = this.list().filter(({ answer }) => answer?.id !== undefined && ids.includes(answer.id));
    for (const breakpoint of hit) breakpoint.hits++;
    const passing = hit.filter(({ isTemporary }) => isTemporary).map(({ number }) => number);
    if (passing.length > 0) await this.remove(passing);
    return hit;
  }

  /** The adapter knows more of one than before, such as its address. */
  update(changed: DebugProtocol.Breakpoint): Breakpoint | undefined {
    const breakpoint = this.list().find(({ answer }) => answer?.id !== undefined && answer.id === changed.id);
    if (breakpoint) breakpoint.answer = { ...breakpoint.answer, ...changed };
    return breakpoint;
  }

  /** Filters that the adapter wants to be on: what they stop at would else be the end. */
  private get defaultFilters(): readonly string[] {
    const filters = this.session.capabilities.exceptionBreakpointFilters ?? [];
    return filters.filter((filter) => filter.default).map(({ filter }) => filter);
  }

  private get(number: number): Breakpoint {
    const breakpoint = this.byNumber.get(number);
    if (!breakpoint) throw new UserError('debug/breakpoint', `There is no breakpoint ${number}: see info breakpoints.`);
    return breakpoint;
  }

  /** Sends the list that `trigger` belongs to. */
  private async tell(trigger: Trigger): Promise<void> {
    switch (trigger.kind) {
      case 'code':
        return this.tellCode(trigger.location);
      case 'data':
        return this.send('setDataBreakpoints', this.ofKind('data'), (breakpoint, { dataId, access }) => ({
          ...conditions(breakpoint),
          dataId,
          accessType: access,
        }));
      case 'event':
        return this.send(
          'setExceptionBreakpoints',
          this.ofKind('event'),
          ({ condition }, { filter }) => ({ filterId: filter, ...(condition && { condition }) }),
          (filterOptions) => ({ filters: this.defaultFilters, filterOptions }),
          this.defaultFilters.length,
        );
    }
  }

  private async tellCode(location: Location): Promise<void> {
    switch (location.kind) {
      case 'function':
        return this.send('setFunctionBreakpoints', this.at('function'), (breakpoint, { name }) => ({
          ...conditions(breakpoint),
          name,
        }));
      case 'address':
        return this.send('setInstructionBreakpoints', this.at('address'), (breakpoint, { address }) => ({
          ...conditions(breakpoint),
          instructionReference: `0x${address.toString(16)}`,
        }));
      case 'line': {
        const { source } = location;
        const here = this.at('line').filter(
          ([
            ,
            {
              source: { path },
            },
          ]) => path === source.path,
        );
        return this.send(
          'setBreakpoints',
          here,
          (breakpoint, { line }) => ({ ...conditions(breakpoint), line }),
          (breakpoints) => ({ source, breakpoints }),
        );
      }
    }
  }

  private ofKind<Kind extends Trigger['kind']>(kind: Kind): [Breakpoint, Extract<Trigger, { kind: Kind }>][] {
    return this.list().flatMap((breakpoint) =>
      breakpoint.isEnabled && breakpoint.trigger.kind === kind
        ? [[breakpoint, breakpoint.trigger as Extract<Trigger, { kind: Kind }>]]
        : [],
    );
  }

  private at<Kind extends Location['kind']>(kind: Kind): [Breakpoint, Extract<Location, { kind: Kind }>][] {
    return this.ofKind('code').flatMap(([breakpoint, { location }]) =>
      location.kind === kind ? [[breakpoint, location as Extract<Location, { kind: Kind }>]] : [],
    );
  }

  private async send<Place>(
    command: string,
    listed: readonly [Breakpoint, Place][],
    describe: (breakpoint: Breakpoint, place: Place) => object,
    args: (described: object[]) => object = (breakpoints) => ({ breakpoints }),
    /** Answers that come before those of the list. */
    before = 0,
  ): Promise<void> {
    if (!this.session.isAlive) return;
    const described = listed.map(([breakpoint, place]) => describe(breakpoint, place));
    const body = await this.session.request<{ breakpoints?: Answers } | undefined>(command, args(described));
    // `setExceptionBreakpoints` may answer without a list: what it takes is set.
    listed.forEach(([breakpoint], index) => {
      breakpoint.answer = body?.breakpoints?.[before + index] ?? { verified: true };
    });
  }
}

/** Triggers with the same name are sent in one list. */
function listOf(trigger: Trigger): string {
  if (trigger.kind !== 'code') return trigger.kind;
  const { location } = trigger;
  return location.kind === 'line' ? `line ${location.source.path}` : location.kind;
}

function oneOfEachList(breakpoints: readonly Breakpoint[]): readonly Breakpoint[] {
  return [...new Map(breakpoints.map((breakpoint) => [listOf(breakpoint.trigger), breakpoint])).values()];
}

/** Stands for the list of events when the user has none. */
const DEFAULT_EVENTS: Trigger = { kind: 'event', filter: '', label: '' };

const conditions = ({ condition, hitCondition, logMessage }: Breakpoint): object => ({
  ...(condition && { condition }),
  ...(hitCondition && { hitCondition }),
  ...(logMessage && { logMessage }),
});
