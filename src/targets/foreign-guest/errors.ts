/** What can be wrong with a question about another engine's guest: every sentence said about it. */
import { UserError } from '../../common/errors';

/** The engine does not give what our own machines have; `what` is what it lacks. */
export const lacking = (engine: string, what: string): UserError =>
  new UserError('target/lacks', `${engine} does not tell ${what}: only VMXray's own machines do.`);

/** Physical memory cannot be had. */
export const noPhysicalMemory = (engine: string): UserError =>
  new UserError(
    'target/physical',
    `${engine} reads linear memory alone while paging is on, so that there are no walks and no physical addresses.`,
  );

/** Five levels of page tables. */
export const fiveLevels = (): UserError =>
  new UserError(
    'walk/la57',
    'This guest uses 5-level paging (CR4.LA57), which is not walked: start it on a processor without la57.',
  );
