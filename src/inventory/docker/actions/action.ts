/** What an action of an engine with a Docker API is made of. */
import type { ContainerInspectInfo } from 'dockerode';
import type { UserError } from '../../../common/errors';
import type { Action, ActionRun } from '../../provider';
import type { ContainerBook } from '../container-book';
import type { DockerEngine } from '../engine';
import type { RowKind } from '../ids';
import { mapLimited } from '../../limited';
import { engineError } from '../errors';

/** A row that an action is done to. */
export interface Subject {
  readonly id: string;
  readonly kind: RowKind;
  /** The engine's id or name of it. */
  readonly name: string;
}

/** What a running action has at hand. */
export interface ActionContext extends ActionRun {
  readonly engine: DockerEngine;
  readonly book: ContainerBook;
  readonly subjects: readonly Subject[];
}

/** An action and what it does; it rejects with UserErrors. */
export interface DockerAction extends Action {
  execute(context: ActionContext): Promise<void>;
}

// Engines do several things at once; a laptop's does not like a hundred.
const AT_ONCE = 8;

/** Does something to each; the others are done even if one fails. Rejects with the first failure, and says how many. */
export async function doToEach<T>(values: readonly T[], work: (value: T) => Promise<void>): Promise<void> {
  const failures: UserError[] = [];
  await mapLimited(values, AT_ONCE, async (value) => {
    await work(value).catch((error: unknown) => failures.push(engineError(error, 'The engine')));
  });
  const [first] = failures;
  if (!first) return;
  if (failures.length > 1) first.message += ` (${failures.length - 1} more of ${values.length} failed as well.)`;
  throw first;
}

/** What the engine knows of a container. */
export const inspectContainer = ({ engine, signal }: ActionContext, id: string): Promise<ContainerInspectInfo> =>
  engine.call(signal, (docker) => docker.getContainer(id).inspect({ abortSignal: signal }));

/** A container's name without the slash that the engine puts before it. */
export const nameOf = ({ Name }: Pick<ContainerInspectInfo, 'Name'>): string => Name.replace(/^\//, '');
