import Database from 'better-sqlite3';
import { fill } from './tables.ts';

// node bench/sync/fill.ts FILE ROWS: fills the legacy table of an SQLite file.

const [file = '', rows = '0'] = process.argv.slice(2);
const database = new Database(file, { fileMustExist: true });
await fill(
  { dialect: 'sqlite', url: '', file, run: async (sql) => void database.exec(sql), close: async () => {} },
  1,
  Number(rows),
);
database.close();
