import { Failure } from '@strangler-fig/kernel/failure';

/** The failure that says that a table's changes are not logged, or not all of its columns. */
export function missingCapture(table: string): Failure {
  return new Failure('capture_missing', `The changes of ${table} are not captured as its group declares.`, {
    hint: 'Run `fig sync install`; it shows first what it would do.',
  });
}

/** The failure that says that there was a change of a table that could not be logged. */
export function unloggedChange(table: string): Failure {
  return new Failure(
    'capture_missing',
    `A change of ${table} could not be logged: a captured column is not there under its name any more.`,
    {
      hint: "Bring the group's declaration up to date, then run `fig sync install`; the group is copied anew.",
    },
  );
}
