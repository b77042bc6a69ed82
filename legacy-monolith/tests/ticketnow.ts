import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import supertest from 'supertest';
import { createDatabase } from '../../testing/postgres.ts';
import { createApp } from '../app.ts';
import { type Database, openDatabase } from '../db/database.ts';
import type { StockFeed } from '../live/stock-feed.ts';
import { seed } from '../seed.ts';

export type Browser = ReturnType<typeof supertest.agent>;

/** TicketNow in this process, on a database of its own: 10 events, 400 users, 2,000 bookings around today. */
export interface TicketNow {
  db: Database;
  feed: StockFeed;
  server: Server;
  /** host:port, as the Host header has it. */
  host: string;
  uploadsDir: string;
  /** Lines that went to console.error. */
  errors: string[];
  /** A visitor with a cookie jar, not logged in. */
  visitor(): Browser;
  /** user2@example.test, …; user 1 is admin@example.test. */
  loggedIn(userId: number): Promise<Browser>;
  close(): Promise<void>;
}

export interface TestStore {
  url: string;
  drop(): Promise<void>;
}

/** Both databases that TicketNow runs on, for describe.each. */
export const databases: [name: string, create: () => Promise<TestStore>][] = [
  ['SQLite', createSqliteFile],
  ['PostgreSQL', createDatabase],
];

export async function createSqliteFile(): Promise<TestStore> {
  const folder = await mkdtemp(path.join(tmpdir(), 'ticketnow-'));
  return { url: `sqlite:${path.join(folder, 'legacy.db')}`, drop: () => rm(folder, { recursive: true }) };
}

export async function startTicketNow(createStore = createSqliteFile): Promise<TicketNow> {
  const store = await createStore();
  const uploadsDir = await mkdtemp(path.join(tmpdir(), 'ticketnow-uploads-'));
  const db = await openDatabase(store.url);
  await seed(db, { scale: 0.02 });
  const errors: string[] = [];
  const log = { log: () => undefined, error: (line: string) => void errors.push(line) };
  const { app, feed } = createApp({ db, sessionSecret: 'test', uploadsDir, log });
  const server = createServer(app);
  feed.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const visitor = () => supertest.agent(server);
  return {
    db,
    feed,
    server,
    host,
    uploadsDir,
    errors,
    visitor,
    async loggedIn(userId) {
      const browser = visitor();
      const email = userId === 1 ? 'admin@example.test' : `user${userId}@example.test`;
      await browser
        .post('/login')
        .send({ email, password: 'ticketnow' })
        .expect(200, /"ok":true/);
      return browser;
    },
    async close() {
      feed.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await db.close();
      await store.drop();
      await rm(uploadsDir, { recursive: true });
    },
  };
}
