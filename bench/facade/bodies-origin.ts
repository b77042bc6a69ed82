import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bytes, read } from './bodies.ts';

// An origin for long bodies: `GET /down/<bytes>` sends so many, `POST /up/<bytes a second, 0 for any>` says how many
// it has read.

const server = createServer(async (request, response) => {
  const [, what, number] = (request.url ?? '').split('/');
  try {
    if (what === 'down') await pipeline(Readable.from(bytes(Number(number))), response);
    else response.end(String(await read(request, Number(number) || undefined)));
  } catch {
    response.destroy();
  }
});
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ type: 'ready', port: typeof address === 'object' ? address?.port : 0 });
});
process.on('disconnect', () => process.exit());
