import { Failure } from '@strangler-fig/kernel/failure';

/** The failure that says that a table's changes are not logged, or not all of its columns. */
export function missingCapture(table: string): Failure {
  return new Failure('capture_missing', `The changes of ${table} are not captured as its group declares.`, {
    hint: 'Run `fig sync install`; it shows first what it would do.',
  });
}
