import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { bodyOf, type HttpOrigin, startOrigin } from '../../tests/origins.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';

export interface Validated {
  readonly origin: HttpOrigin;
  readonly facade: RunningFacade;
  /** Bodies that the backend got. */
  readonly bodies: readonly Buffer[];
  readonly file: string;
  rewrite(document: object): Promise<void>;
}

/** A document with these paths, and schemas to refer to. */
export function documentOf(paths: object, schemas: object = {}, openapi = '3.1.0'): object {
  return { openapi, info: { title: 'shop', version: '1' }, paths, components: { schemas } };
}

/** Writes a document into a folder of its own; removed when the test is done. */
export async function writeDocument(document: object | string, name = 'shop.openapi.yaml'): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'openapi-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, name);
  await writeFile(file, typeof document === 'string' ? document : textOf(document, name));
  return file;
}

function textOf(document: object, name: string): string {
  return name.endsWith('.json') ? JSON.stringify(document) : stringify(document);
}

/** A facade whose requests are compared with a document, before one backend that keeps what it gets. */
export async function startValidated(
  document: object,
  { settings = '', route = '' } = {},
): Promise<Validated> {
  const file = await writeDocument(document);
  const bodies: Buffer[] = [];
  const origin = await startOrigin(async (request, response) => {
    bodies.push(await bodyOf(request));
    response.end('ok');
  });
  const facade = await startRunningFacade(`version: 1
backends: { origin: { url: "http://127.0.0.1:${origin.port}", timeouts: { idle: 300ms } } }
routes:
  - { name: all, match: { path: /* }, to: origin, validate: { openapi: "${file}"${settings} }${route} }
`);
  return { origin, facade, bodies, file, rewrite: (next) => writeFile(file, stringify(next)) };
}

/** A request with a body. */
export function send(method: string, target: string, body: string | Buffer, ...headers: string[]): Buffer {
  const bytes = Buffer.from(body);
  const type = headers.some((line) => /^content-type:/i.test(line)) ? [] : ['Content-Type: application/json'];
  const length = headers.some((line) => /^transfer-encoding:/i.test(line))
    ? []
    : [`Content-Length: ${bytes.length}`];
  const head = [`${method} ${target} HTTP/1.1`, 'Host: shop.example', ...type, ...length, ...headers, '', ''];
  return Buffer.concat([Buffer.from(head.join('\r\n')), bytes]);
}
