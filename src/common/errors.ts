/**
 * Users' mistakes: an error with a code and a sentence that says what to do. Every such error of the project is made
 * here, so that wording and codes stay in one place.
 */

/** A mistake of the user's, shown as one sentence without a stack trace. */
export class UserError extends Error {
  constructor(
    /** A stable identifier, for tests and for programs that call us. */
    readonly code: string,
    /** One sentence: what is wrong and what to do about it. */
    message: string,
  ) {
    super(message);
    this.name = 'UserError';
  }
}
