import { Failure } from '@strangler-fig/kernel/failure';

/** What PostgreSQL or the way to it says, as a failure that tells whether trying again helps. */
export function storeFailure(error: unknown, place: string): Failure {
  if (error instanceof Failure) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const detail = 'detail' in cause && typeof cause.detail === 'string' ? ` ${cause.detail}` : '';
  // An AggregateError of refused connections has an empty message.
  const because = `PostgreSQL at ${place}: ${cause.message || 'no connection'}${code === '' ? '' : ` (${code})`}.${detail}`;
  if (/^(40001|40P01|55P03|55006)$/.test(code)) {
    return new Failure('store_busy', because, {
      hint: 'Another transaction holds its lock; this is tried again.',
      cause,
    });
  }
  if (/^(22|23)/.test(code)) {
    return new Failure('row_rejected', because, {
      hint: 'Correct the row, or the mapping of its group.',
      cause,
    });
  }
  if (code === '' || /^(E[A-Z]+|08...|57P0.|53...|28...|3D000)$/.test(code)) {
    return new Failure('store_unavailable', because, {
      hint: "Check that the server runs and that the group's database URL is right.",
      cause,
    });
  }
  return new Failure('store_failed', because, { hint: 'See the message of the database.', cause });
}
