import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OwnKeys } from '../identity.ts';

/** Somebody who signs identities and publishes the keys, in the place of the facade. */
export interface KeyPublisher {
  readonly url: string;
  readonly own: OwnKeys;
  /** Their file. */
  readonly file: string;
  /** How often it was asked. */
  readonly questions: () => number;
  /** Publishes again, at the same place. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops for good. */
  close(): Promise<void>;
}

/** Starts one; `stop` and `start` make it go away and come back. */
export async function startKeyPublisher(): Promise<KeyPublisher> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keys-'));
  const file = path.join(folder, 'keys.json');
  const own = new OwnKeys(file);
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(own.published()));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `http://127.0.0.1:${port}/.well-known/jwks.json`,
    own,
    file,
    questions: () => asked,
    start: () => listen(port),
    stop,
    async close() {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
