import path from 'node:path';
import { Failure } from '@strangler-fig/kernel/failure';

/** Where a database is. */
export type DatabaseLocation =
  | { dialect: 'sqlite'; file: string; place: string }
  | { dialect: 'postgres'; url: string; place: string };

/**
 * Reads `sqlite:<path>` or `postgres://user:password@host:port/database`.
 * @param variable the environment variable it came from, for the message.
 * @throws Failure `database_url_invalid`, which ends the process with exit code 2.
 */
export function parseDatabaseUrl(text: string, variable: string): DatabaseLocation {
  if (text.startsWith('sqlite:') && text.length > 'sqlite:'.length) {
    const file = path.resolve(text.slice('sqlite:'.length));
    return { dialect: 'sqlite', file, place: file };
  }
  if (/^postgres(ql)?:\/\//.test(text) && URL.canParse(text)) {
    const url = new URL(text);
    return { dialect: 'postgres', url: text, place: `${url.host}${url.pathname}` };
  }
  throw new Failure('database_url_invalid', `${variable} is not a database URL.`, {
    hint: `Set ${variable} to sqlite:<path> or postgres://user:password@host:port/database.`,
    exitCode: 2,
  });
}
