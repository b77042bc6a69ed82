import { Failure } from '@strangler-fig/kernel/failure';
import type Database from 'better-sqlite3';

/** What SQLite says, as a failure that tells whether trying again helps. */
export function storeFailure(error: InstanceType<typeof Database.SqliteError>, place: string): Failure {
  const because = `SQLite at ${place}: ${error.message} (${error.code}).`;
  if (/^SQLITE_(BUSY|LOCKED)/.test(error.code)) {
    return new Failure('store_busy', because, {
      hint: 'Another process holds its lock; this is tried again.',
      cause: error,
    });
  }
  if (/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(error.code)) {
    return new Failure('row_rejected', because, {
      hint: 'Correct the row, or the mapping of its group.',
      cause: error,
    });
  }
  if (/^SQLITE_(CANTOPEN|IOERR|READONLY|PERM)/.test(error.code)) {
    return new Failure('store_unavailable', because, {
      hint: 'Check that the file can be written and that its application runs.',
      cause: error,
    });
  }
  return new Failure('store_failed', because, { hint: 'See the message of the database.', cause: error });
}
