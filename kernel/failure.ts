/**
 * A failure that a person can act on. Everything the toolkit reports to a user is one of these;
 * any other exception is a defect of the toolkit.
 */
export class Failure extends Error {
  /** Stable, machine-readable name of what went wrong, in snake_case. Never changes once released. */
  readonly code: string;
  /** What to do next: the flag, variable, file or command that fixes it. */
  readonly hint: string | undefined;
  /** How a command that ends with this failure exits: 1 failed, 2 usage or configuration, 3 refused or different. */
  readonly exitCode: 1 | 2 | 3;

  constructor(
    code: string,
    message: string,
    options: { hint?: string; exitCode?: 1 | 2 | 3; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? 1;
  }

  /** The failure as one line for a terminal or a log: message, then the hint. */
  get line(): string {
    if (this.hint === undefined) return this.message;
    return `${this.message}${this.message.endsWith('\n') ? '' : ' '}${this.hint}`;
  }
}
