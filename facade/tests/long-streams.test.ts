import type { ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startOrigin } from './origins.ts';
import { get, RawClient } from './raw-client.ts';
import { type RunningFacade, startRunningFacade } from './running-facade.ts';

// A cutover moves what comes next. What is under way stays with the backend that it began with until it ends.

interface Side {
  readonly port: number;
  /** Answers that are still open, in the order in which they were asked for. */
  readonly open: ServerResponse[];
}

/** `/events` and `/file` begin and go on when the test says so; `/who` answers at once; WebSockets echo with a name. */
async function startSide(name: string): Promise<Side> {
  const open: ServerResponse[] = [];
  const origin = await startOrigin((request, response) => {
    if (request.url === '/who') return void response.end(name);
    const headers =
      request.url === '/events'
        ? { 'content-type': 'text/event-stream' }
        : { 'content-type': 'application/zip', 'content-length': 200_000 };
    response
      .writeHead(200, headers)
      .write(request.url === '/events' ? `data: ${name} 1\n\n` : name.padEnd(100_000));
    open.push(response);
  });
  const webSockets = new WebSocketServer({ server: origin.server });
  webSockets.on('connection', (webSocket) => {
    webSocket.on('message', (data) => webSocket.send(`${name} ${data}`));
  });
  onTestFinished(() => {
    for (const client of webSockets.clients) client.terminate();
  });
  return { port: origin.port, open };
}

/** Starts on legacy; `edit` cuts over to the service, or, more thoroughly, forgets that there ever was a legacy. */
async function startBefore(edit: 'legacy stays a backend' | 'legacy is no backend any more') {
  const legacy = await startSide('legacy');
  const service = await startSide('service');
  const routes = (to: string, backends: Record<string, Side>) =>
    [
      'version: 1',
      'backends:',
      ...Object.entries(backends).map(([name, { port }]) => `  ${name}: { url: "http://127.0.0.1:${port}" }`),
      `routes: [{ name: all, match: { path: /* }, to: ${to} }]`,
    ].join('\n');
  const facade = await startRunningFacade(routes('legacy', { legacy, service }));
  const cutOver = async () => {
    const left = edit === 'legacy stays a backend' ? { legacy, service } : { service };
    await facade.replaceRoutes(routes('service', left));
    await facade.logged(({ msg }) => msg.includes('in force'));
    expect(await (await fetch(`${facade.url}/who`)).text()).toBe('service');
  };
  return { legacy, facade, cutOver };
}

async function openSocket(facade: RunningFacade) {
  const webSocket = new WebSocket(facade.url.replace('http', 'ws'));
  onTestFinished(() => webSocket.terminate());
  await new Promise((resolve) => webSocket.once('open', resolve));
  const echo = (text: string) => {
    const answer = new Promise((resolve) => webSocket.once('message', (data) => resolve(String(data))));
    webSocket.send(text);
    return answer;
  };
  return { webSocket, echo };
}

describe.each(['legacy stays a backend', 'legacy is no backend any more'] as const)('%s', (edit) => {
  test('an event stream goes on, and ends when its backend ends it', async () => {
    const { legacy, facade, cutOver } = await startBefore(edit);
    const client = (await RawClient.connect(facade.port)).send(get('/events'));
    await client.until('legacy 1');
    await cutOver();
    legacy.open[0]?.write('data: legacy 2\n\n');
    await client.until('legacy 2');
    legacy.open[0]?.end('data: legacy 3\n\n');
    expect((await client.answer()).body).toBe('data: legacy 1\n\ndata: legacy 2\n\ndata: legacy 3\n\n');
    // The same connection's next request is decided anew.
    expect((await client.send(get('/who')).answer()).body).toBe('service');
  });

  test('a download arrives whole', async () => {
    const { legacy, facade, cutOver } = await startBefore(edit);
    const client = (await RawClient.connect(facade.port)).send(get('/file'));
    await client.until('legacy');
    await cutOver();
    legacy.open[0]?.end('x'.repeat(100_000));
    expect((await client.answer()).body).toBe('legacy'.padEnd(100_000) + 'x'.repeat(100_000));
  });

  test('a WebSocket keeps talking to whom it talked to', async () => {
    const { facade, cutOver } = await startBefore(edit);
    const before = await openSocket(facade);
    expect(await before.echo('1')).toBe('legacy 1');
    await cutOver();
    const after = await openSocket(facade);
    expect(await after.echo('2')).toBe('service 2');
    expect(await before.echo('3')).toBe('legacy 3');
    const closed = new Promise((resolve) => before.webSocket.once('close', resolve));
    before.webSocket.close(1000);
    expect(await closed).toBe(1000);
  });
});
