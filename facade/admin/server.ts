import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { sendProblem } from '@strangler-fig/kernel/problem';
import type { JSONWebKeySet } from 'jose';
import type { FacadeMetrics } from '../record/metrics.ts';
import type { BreakerState } from '../resilience/breaker.ts';
import type { RoutesReport } from './routes-report.ts';

/** What the admin port shows. Everything here is read-only. */
export interface AdminView {
  readonly metrics: FacadeMetrics;
  /** False from the moment the facade begins to stop: load balancers look here first. */
  readonly accepting: () => boolean;
  readonly routes: () => RoutesReport;
  readonly backends: () => Promise<BackendHealth[]>;
  /** The public keys by which services recognise the facade's identities. */
  readonly identityKeys: () => JSONWebKeySet;
  /** Told of a page that failed. */
  readonly onDefect: (error: unknown) => void;
}

export interface BackendHealth {
  readonly backend: string;
  readonly url: string;
  readonly healthy: boolean;
  /** Why not, or what was asked. */
  readonly detail: string;
  readonly breaker: BreakerState | 'off';
  /** Requests that hold a place there, and that wait for one. */
  readonly requests: number;
  readonly waiting: number;
  readonly urls: readonly AddressHealth[];
}

export interface AddressHealth {
  readonly url: string;
  readonly healthy: boolean;
  /** False while it is left out, by its health checks or because it failed. */
  readonly takesRequests: boolean;
  readonly requests: number;
}

type Answer = (response: ServerResponse) => void | Promise<void>;

/** The admin server: health, metrics, and where each route goes. It does not listen yet. */
export function createAdminServer(view: AdminView): Server {
  const pages: Record<string, Answer> = {
    '/': (response) => sendText(response, 'text/plain', `${Object.keys(pages).slice(1).join('\n')}\n`),
    '/livez': (response) => sendJson(response, 200, { status: 'ok' }),
    '/readyz': (response) => {
      const ready = view.accepting();
      sendJson(response, ready ? 200 : 503, { status: ready ? 'ready' : 'stopping' });
    },
    '/metrics': async (response) =>
      sendText(response, view.metrics.registry.contentType, await view.metrics.registry.metrics()),
    '/api/routes': (response) => sendJson(response, 200, view.routes()),
    '/api/backends': async (response) => sendJson(response, 200, await view.backends()),
    '/.well-known/jwks.json': (response) => sendJson(response, 200, view.identityKeys()),
  };
  return createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    answer(pages, request, response).catch((error: unknown) => {
      view.onDefect(error);
      response.destroy();
    });
  });
}

async function answer(
  pages: Record<string, Answer>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] as string;
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) {
    sendProblem(response, {
      status: 404,
      code: 'not_found',
      title: 'No such page',
      detail: 'See / for the list.',
    });
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    const problem = { status: 405, code: 'method_not_allowed', title: 'This page is only read' };
    sendProblem(response, problem, { allow: 'GET, HEAD' });
  } else {
    await page(response);
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(value, null, 2)}\n`);
}

function sendText(response: ServerResponse, contentType: string, text: string): void {
  response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(text);
}
