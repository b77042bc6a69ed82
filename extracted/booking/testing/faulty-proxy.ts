import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a call: before it reaches inventory, or after inventory answered and before booking hears. */
export interface Fault {
  /** 'break': the connection is cut and inventory never sees the call. A function runs first, then it is cut. */
  before?: 'break' | (() => Promise<unknown> | unknown);
  /** 'break': inventory has done it, the answer is lost. A function runs first, then it is lost. */
  after?: 'break' | (() => Promise<unknown> | unknown);
  /** Milliseconds that the answer is late. */
  delayMs?: number;
}

/** The step of the saga that a call is. */
export type Step = 'reserve' | 'confirm' | 'release' | 'return' | 'other';

/** A real HTTP proxy between booking and inventory that loses what it is told to lose. */
export interface FaultyProxy {
  url: string;
  /** Chooses each call's fault; undefined lets it pass. */
  fault: (step: Step, path: string) => Fault | undefined;
  /** Where calls go; may change when inventory restarts. */
  target: string;
  /** Calls that came, by step. */
  readonly calls: Record<Step, number>;
  close(): Promise<void>;
}

/** Starts it on a free port. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const server = http.createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const proxy: FaultyProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: () => undefined,
    target,
    calls: { reserve: 0, confirm: 0, release: 0, return: 0, other: 0 },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    const step = stepOf(path);
    proxy.calls[step] += 1;
    const fault = proxy.fault(step, path) ?? {};
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (fault.before !== undefined) {
      if (typeof fault.before === 'function') await fault.before();
      response.destroy();
      return;
    }
    const answer = await forward(proxy.target + path, request, Buffer.concat(chunks));
    if (fault.after !== undefined) {
      if (typeof fault.after === 'function') await fault.after();
      response.destroy();
      return;
    }
    if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  return proxy;
}

async function forward(
  url: string,
  request: http.IncomingMessage,
  body: Buffer,
): Promise<{ status: number; headers: http.OutgoingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const headers = { ...request.headers, host: new URL(url).host, connection: 'close' };
    const forwarded = http.request(
      url,
      { method: request.method ?? 'GET', headers, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const { connection: _connection, 'keep-alive': _keepAlive, ...rest } = answer.headers;
          resolve({ status: answer.statusCode ?? 502, headers: rest, body: Buffer.concat(chunks) });
        });
      },
    );
    forwarded.on('error', reject);
    forwarded.end(body);
  });
}

function stepOf(path: string): Step {
  if (path.endsWith('/confirm')) return 'confirm';
  if (path.endsWith('/release')) return 'release';
  if (path.startsWith('/api/v2/reservations/')) return 'reserve';
  if (path.startsWith('/api/v2/returns/')) return 'return';
  return 'other';
}
