/** What can be wrong with a packet, whoever sent it. */
import { UserError } from '../../common/errors';

/** A packet whose arguments do not read as what the protocol says. */
export const malformed = (what: string): UserError =>
  new UserError('gdb/malformed', `The packet is malformed: ${what}.`);
