/** Snapshot versions: the one check that every `restore` begins with. */
import { UserError } from '../common/errors';

/**
 * Gives the fields of a device's saved state without its version; throws `UserError` "snapshot-version" when that is not
 * the one that this build reads.
 */
export function requireVersion<State extends { readonly version: number }>(
  state: State,
  expected: number,
  device: string,
): Omit<State, 'version'> {
  const { version, ...fields } = state;
  if (version === expected) return fields;
  throw new UserError(
    'snapshot-version',
    `The snapshot's ${device} has version ${version}, but this build reads version ${expected}: ` +
      'restore it with the version of VMXray that saved it.',
  );
}
