import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { mirror, startOrigin, startRawOrigin } from '../../tests/origins.ts';
import { ask, get, RawClient } from '../../tests/raw-client.ts';
import { startRunningFacade } from '../../tests/running-facade.ts';
import { type OtlpCollector, startCollector } from './otlp-collector.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const clientSpan = '00f067aa0ba902b7';
const sampled = `00-${traceId}-${clientSpan}-01`;
const unsampled = `00-${traceId}-${clientSpan}-00`;

/** A facade before a backend that mirrors, and before one that is not there; spans go out at once. */
async function startTraced(collector: Pick<OtlpCollector, 'url'>, settings: Record<string, string> = {}) {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '1', ...settings };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const origin = await startOrigin(mirror);
  const facade = await startRunningFacade(`version: 1
backends:
  profile: { url: http://127.0.0.1:${origin.port} }
  gone: { url: http://127.0.0.1:9 }
routes:
  - { name: profile-read, match: { path: "/api/profile/:userId" }, to: profile }
  - { name: gone, match: { path: /gone/* }, to: gone }
`);
  /** The traceparent that the backend got. */
  const asked = async (...lines: string[]): Promise<string> => {
    const answer = await ask(facade.port, get('/api/profile/7?token=hunter2', ...lines));
    expect(answer.status).toBe(200);
    return JSON.parse(answer.body).headers.traceparent;
  };
  return { facade, origin, asked };
}

const ofProfile = ({ attributes }: { attributes: object }) =>
  'strangler.route' in attributes && attributes['strangler.route'] === 'profile-read';

describe('a request has a span', () => {
  test('of the client’s trace, which is the parent of the backend’s', async () => {
    const collector = await startCollector();
    const { facade, origin, asked } = await startTraced(collector);
    const told = await asked(`traceparent: ${sampled}`, 'tracestate: vendor=1');
    const span = await collector.span(ofProfile);
    expect(span).toMatchObject({
      traceId,
      parentSpanId: clientSpan,
      traceState: 'vendor=1',
      kind: 2,
      name: 'GET /api/profile/:userId',
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/api/profile/:userId',
        'http.response.status_code': 200,
        'url.path': '/api/profile/7',
        'url.scheme': 'http',
        'server.address': 'shop.example',
        'network.protocol.version': '1.1',
        'strangler.route': 'profile-read',
        'strangler.backend': 'profile',
      },
      resource: { 'service.name': 'strangler-facade' },
    });
    expect(span.attributes).not.toHaveProperty('error.type');
    expect(told).toBe(`00-${traceId}-${span.spanId}-01`);
    expect(origin.asked[0]?.headers.tracestate).toBe('vendor=1');
    expect(collector.origin.asked[0]?.url).toBe('/v1/traces');
    expect(collector.received.join()).not.toContain('hunter2');
    expect(await facade.logged(({ trace }) => trace === traceId)).toBeDefined();
  });

  test('of a new trace where the client has none, or one that is not valid', async () => {
    const collector = await startCollector();
    const { asked } = await startTraced(collector, { OTEL_SERVICE_NAME: 'edge' });
    for (const lines of [[], ['traceparent: 00-nonsense-01', 'tracestate: vendor=1']]) {
      const told = await asked(...lines);
      const span = await collector.span(({ spanId }) => told.includes(spanId));
      expect(told).toBe(`00-${span.traceId}-${span.spanId}-01`);
      expect(span.parentSpanId ?? '').toBe('');
      expect(span.resource['service.name']).toBe('edge');
    }
  });

  test('that says how it failed', async () => {
    const collector = await startCollector();
    const { facade } = await startTraced(collector);
    await ask(facade.port, get('/gone/x'));
    expect(await collector.span(({ name }) => name === 'GET /gone/*')).toMatchObject({
      status: { code: 2 },
      attributes: {
        'error.type': 'unreachable',
        'http.response.status_code': 502,
        'strangler.backend': 'gone',
      },
    });
    await ask(facade.port, get('/nobody'));
    const unrouted = await collector.span(({ name }) => name === 'GET');
    expect(unrouted.attributes).toMatchObject({
      'http.response.status_code': 404,
      'strangler.backend': 'facade',
    });
    expect(unrouted.attributes).not.toHaveProperty('http.route');
    expect(unrouted.status.code ?? 0).toBe(0);
  });

  test('whatever its method, without a name for each that clients invent', async () => {
    const collector = await startCollector();
    const { facade } = await startTraced(collector);
    await ask(facade.port, get('/api/profile/7').replace('GET', 'PURGE'));
    expect((await collector.span(ofProfile)).attributes).toMatchObject({
      'http.request.method': '_OTHER',
      'http.request.method_original': 'PURGE',
    });
  });

  test('when it is the handshake of a WebSocket', async () => {
    const collector = await startCollector();
    const { facade, origin } = await startTraced(collector);
    const server = new WebSocketServer({ server: origin.server });
    const told = new Promise((resolve) => {
      server.on('connection', (_, { headers }) => resolve(headers.traceparent));
    });
    const handshake = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    const client = (await RawClient.connect(facade.port)).send(get('/api/profile/7', ...handshake));
    await client.until('101');
    const span = await collector.span(ofProfile);
    expect(span.attributes['http.response.status_code']).toBe(101);
    expect(await told).toBe(`00-${span.traceId}-${span.spanId}-01`);
  });
});

describe('what is not sampled has none', () => {
  test('where the client says so, and is then passed on unchanged', async () => {
    const collector = await startCollector();
    const { asked } = await startTraced(collector);
    expect(await asked(`traceparent: ${unsampled}`)).toBe(unsampled);
    const told = await asked();
    await collector.span(({ spanId }) => told.includes(spanId));
    expect(collector.spans).toHaveLength(1);
  });

  test('where the sampler decides, for traces that begin here', async () => {
    const collector = await startCollector();
    const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    const { asked } = await startTraced(collector, sampler);
    expect(await asked()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    await asked(`traceparent: ${sampled}`);
    expect((await collector.span(() => true)).traceId).toBe(traceId);
    expect(collector.spans).toHaveLength(1);
  });
});

describe('a collector that fails harms nothing', () => {
  const impatient = { OTEL_EXPORTER_OTLP_TIMEOUT: '50' };
  const failed = ({ msg }: { msg: string }) => msg.startsWith('spans cannot be exported');

  test('when it is not there: it is logged once', async () => {
    const { facade, asked } = await startTraced({ url: 'http://127.0.0.1:9' }, impatient);
    for (let request = 0; request < 20; request++) await asked();
    await facade.logged(failed);
    for (let request = 0; request < 20; request++) await asked();
    await facade.close(400);
    expect(facade.log.filter(failed)).toHaveLength(1);
  });

  test('when it never answers: the facade still ends', async () => {
    const silent = await startRawOrigin(() => {});
    const { facade, asked } = await startTraced({ url: `http://127.0.0.1:${silent.port}` });
    for (let request = 0; request < 20; request++) await asked();
    await expect.poll(() => silent.sockets.length).toBeGreaterThan(0);
    await facade.close(400);
  });

  test('when it refuses: and once it does no more, that is said', async () => {
    let status = 400;
    const collector = await startCollector(() => status);
    const { facade, asked } = await startTraced(collector);
    await asked();
    expect((await facade.logged(failed)).reason).toBe('Bad Request');
    status = 200;
    await asked();
    await facade.logged(({ msg }) => msg === 'spans are taken again');
  });

  test('when its address is none: there are no spans, and it is said', async () => {
    const { facade, asked } = await startTraced({ url: 'collector:4318' });
    expect(await asked(`traceparent: ${sampled}`)).toBe(sampled);
    expect(facade.log[0]).toMatchObject({ code: 'otlp_endpoint_invalid', level: 'warn' });
  });
});

test('what has not been sent when the facade ends is sent then', async () => {
  const collector = await startCollector();
  const { facade, asked } = await startTraced(collector, { OTEL_BSP_SCHEDULE_DELAY: '60000' });
  await asked();
  expect(collector.spans).toEqual([]);
  await facade.close();
  expect(collector.spans).toHaveLength(1);
});

test.each([
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'true' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_EXPORTER: 'none' },
])('nothing of OpenTelemetry is loaded where it is not asked for: %j', async (env) => {
  vi.doMock('../otlp-spans.ts', () => {
    throw new Error('loaded');
  });
  const { asked } = await startTraced({ url: '' }, { OTEL_EXPORTER_OTLP_ENDPOINT: '', ...env });
  vi.doUnmock('../otlp-spans.ts');
  expect(await asked(`traceparent: ${sampled}`)).toBe(sampled);
});
