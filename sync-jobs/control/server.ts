import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Logger } from '@strangler-fig/kernel/log';
import { type Problem, sendProblem } from '@strangler-fig/kernel/problem';
import type { GroupRunner } from '../runner/group-runner.ts';
import type { GroupStatus } from '../runner/status.ts';
import { refusal } from './authorize.ts';
import { commands, readCommand } from './commands.ts';
import { renderMetrics } from './metrics.ts';

/** What the control API shows and steers. */
export interface ControlOptions {
  groups: GroupRunner[];
  /** Token of requests that change something; without it they are refused. */
  token: string | undefined;
  log: Logger;
}

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  group: string,
  command: string,
) => void | Promise<void>;

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
      handle: async (_, response) => sendJson(response, 200, { groups: await statusOf(groups) }),
    },
    {
      method: 'POST',
      path: new RegExp(`^/api/groups/([^/]+)/(${Object.keys(commands).join('|')})$`),
      handle: (request, response, name, command) => {
        const problem = refusal(request, token);
        if (problem === undefined) return obey(request, response, groups, name, command);
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
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const there = endpoints.filter((endpoint) => endpoint.path.test(path));
  const endpoint = there.find((candidate) => candidate.method === method);
  if (endpoint !== undefined) {
    const [, group = '', command = ''] = endpoint.path.exec(path) ?? [];
    await endpoint.handle(request, response, group, command);
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

function statusOf(groups: GroupRunner[]): Promise<GroupStatus[]> {
  return Promise.all(groups.map((group) => group.status()));
}

async function sendReadiness(response: ServerResponse, groups: GroupRunner[]): Promise<void> {
  const waiting = (await statusOf(groups)).filter((status) => !status.backfilled);
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

async function sendMetrics(response: ServerResponse, groups: GroupRunner[]): Promise<void> {
  const text = renderMetrics(await statusOf(groups));
  send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', Buffer.from(text));
}

/** Bytes that a command may have. */
const longestBody = 4_096;

async function obey(
  request: IncomingMessage,
  response: ServerResponse,
  groups: GroupRunner[],
  name: string,
  command: string,
): Promise<void> {
  const group = groups.find((candidate) => candidate.name === name);
  if (group === undefined) {
    sendProblem(response, unknown(name, groups));
    return;
  }
  try {
    const who = request.headers['x-fig-user'];
    const asked = readCommand(await bodyOf(request), typeof who === 'string' ? who : undefined);
    sendJson(response, 200, { group: group.name, ...(await commands[command]!(group, asked)) });
  } catch (error) {
    sendProblem(response, problemOf(error, command, group.name));
  }
}

function unknown(name: string, groups: GroupRunner[]): Problem {
  const detail = `There is no group ${name}; the groups are ${groups.map((group) => group.name).join(', ')}.`;
  return { status: 404, code: 'group_not_found', title: 'There is no such group', detail };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > longestBody)
      throw new Failure('body_invalid', `The body is longer than ${longestBody} bytes.`, { exitCode: 2 });
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/** What did not happen, by the command. */
const titles: Record<string, string> = {
  backfill: 'The copy failed',
  retry: 'It was not tried again',
  skip: 'No row was left out',
  verify: 'The comparison failed',
  repair: 'The repair failed',
  owner: 'The change of owner failed',
};

/** 503 where trying again may help, 409 where a person has to mend something first. */
function problemOf(error: unknown, command: string, group: string): Problem {
  const title = titles[command] ?? 'It failed';
  if (error instanceof Error && error.name === 'AbortError') {
    return { status: 503, code: 'stopping', title, detail: 'sync-jobs is stopping.', group };
  }
  if (!(error instanceof Failure)) return { status: 500, code: 'internal_error', title, group };
  const mend = [
    'declaration_refused',
    'row_unmappable',
    'row_rejected',
    'row_missing',
    'sequence_missing',
    'capture_missing',
    'tables_missing',
    'handover_refused',
    'no_poison',
    'poison_moved',
    'not_backfilled',
    'owner_moved',
    'standby',
    'not_following',
  ].includes(error.code);
  const status = error.code === 'body_invalid' ? 400 : mend ? 409 : 503;
  return { status, code: error.code, title, detail: error.line, group };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', Buffer.from(`${JSON.stringify(body, shown)}\n`));
}

/** Keys are shown as people read them; as values they would be whole numbers that JSON has no room for. */
function shown(name: string, value: unknown): unknown {
  if (name === 'key' && Array.isArray(value)) return undefined;
  return typeof value === 'bigint' ? String(value) : value;
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': String(body.length),
    'cache-control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
