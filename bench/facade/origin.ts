import { createServer } from 'node:net';

// An origin that costs as little as one in Node can: it answers every request head with the same 1 KB of JSON,
// without looking at it, so that what is measured is the proxy before it. GET only.

const body = JSON.stringify({ items: 'x'.repeat(1024 - 12) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n` +
    `date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n${body}`,
);
const end = Buffer.from('\r\n\r\n');

const server = createServer({ noDelay: true }, (socket) => {
  let rest = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    const seen = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let from = 0;
    for (let at = seen.indexOf(end); at !== -1; at = seen.indexOf(end, from)) {
      from = at + end.length;
      socket.write(answer);
    }
    rest = seen.subarray(from);
  });
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ type: 'ready', port: typeof address === 'object' ? address?.port : 0 });
});
process.on('disconnect', () => process.exit());
