import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Logger } from '@strangler-fig/kernel/log';
import { type Problem, sendProblem } from '@strangler-fig/kernel/problem';
import type { GroupRunner } from '../runner/group-runner.ts';
import { refusal } from './authorize.ts';
import { renderMetrics } from './metrics.ts';

/** What the control API shows and steers. */
export interface ControlOptions {
  groups: GroupRunner[];
  /** Token of requests that change something; without it they are refused. */
  token: string | undefined;
  log: Logger;
}

type Handler = (request: IncomingMessage, response: ServerResponse, group: string) => void | Promise<void>;

interface Endpoint {
  method: 'GET' | 'POST';
  path: RegExp;
  handle: Handler;
}

/** The control API's server; it does not listen yet. */
export function createControlServer(options: ControlOptions): Server {
  const endpoints = endpointsOf(options);
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    answer(endpoints, request, response).catch((error: unknown) => {
      options.log.error({ err: error, url: request.url }, 'a control request failed');
      if (response.headersSent) response.destroy();
      else sendProblem(response, { status: 500, code: 'internal_error', title: 'Internal error' });
    });
  });
  return server;
}

function endpointsOf({ groups, token }: ControlOptions): Endpoint[] {
  return [
    { method: 'GET', path: /^\/livez$/, handle: (_, response) => sendJson(response, 200, { status: 'ok' }) },
    { method: 'GET', path: /^\/readyz$/, handle: (_, response) => sendReadiness(response, groups) },
    { method: 'GET', path: /^\/metrics$/, handle: (_, response) => sendMetrics(response, groups) },
    {
      method: 'GET',
      path: /^\/api\/groups$/,
      handle: (_, response) => sendJson(response, 200, { groups: groups.map((group) => group.status()) }),
    },
    {
      method: 'POST',
      path: /^\/api\/groups\/([^/]+)\/backfill$/,
      handle: (request, response, name) => {
        const problem = refusal(request, token);
        if (problem === undefined) return backfill(response, groups, name);
        sendProblem(response, problem, problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {});
      },
    },
  ];
}

async function answer(
  endpoints: Endpoint[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // No endpoint takes a body; what comes is thrown away.
  request.resume();
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const there = endpoints.filter((endpoint) => endpoint.path.test(path));
  const endpoint = there.find((candidate) => candidate.method === method);
  if (endpoint !== undefined) {
    await endpoint.handle(request, response, endpoint.path.exec(path)?.[1] ?? '');
    return;
  }
  if (there.length === 0) {
    sendProblem(response, { status: 404, code: 'not_found', title: 'There is nothing at this path' });
    return;
  }
  const allowed = there.map((candidate) => candidate.method).join(', ');
  const title = 'The path does not take this method';
  sendProblem(response, { status: 405, code: 'method_not_allowed', title }, { allow: allowed });
}

function sendReadiness(response: ServerResponse, groups: GroupRunner[]): void {
  const waiting = groups.map((group) => group.status()).filter((status) => !status.backfilled);
  if (waiting.length === 0) {
    sendJson(response, 200, { status: 'ready' });
    return;
  }
  sendProblem(response, {
    status: 503,
    code: 'not_backfilled',
    title: 'Some groups have no complete backfill yet',
    groups: waiting.map(({ name, state, progress, error }) => ({ name, state, progress, error })),
  });
}

function sendMetrics(response: ServerResponse, groups: GroupRunner[]): void {
  const text = renderMetrics(groups.map((group) => group.status()));
  send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', Buffer.from(text));
}

async function backfill(response: ServerResponse, groups: GroupRunner[], name: string): Promise<void> {
  const group = groups.find((candidate) => candidate.name === name);
  if (group === undefined) {
    const detail = `The groups are ${groups.map((candidate) => candidate.name).join(', ')}.`;
    sendProblem(response, { status: 404, code: 'group_not_found', title: 'There is no such group', detail });
    return;
  }
  try {
    sendJson(response, 200, { group: group.name, ...(await group.runNow()) });
  } catch (error) {
    sendProblem(response, problemOf(error, group.name));
  }
}

/** 503 where trying again may help, 409 where a person has to mend something first. */
function problemOf(error: unknown, group: string): Problem {
  const title = 'The backfill failed';
  if (error instanceof Error && error.name === 'AbortError') {
    return { status: 503, code: 'stopping', title, detail: 'sync-jobs is stopping.', group };
  }
  if (!(error instanceof Failure)) return { status: 500, code: 'internal_error', title, group };
  const mend = ['declaration_refused', 'row_unmappable', 'row_rejected', 'sequence_missing'].includes(
    error.code,
  );
  return { status: mend ? 409 : 503, code: error.code, title, detail: error.line, group };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', Buffer.from(`${JSON.stringify(body)}\n`));
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': String(body.length),
    'cache-control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
