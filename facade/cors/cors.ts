import type { IncomingMessage } from 'node:http';
import type { Gate, OwnAnswer } from '../exchange/gate.ts';
import type { Cors } from './compile-cors.ts';

/** Characters of Access-Control-Request-Headers that are repeated. */
const mostAskedHeaders = 4096;
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const listOfNames = new RegExp(`^${token}(?:[ \\t]*,[ \\t]*${token})*$`);

/**
 * Answers preflights (Fetch standard, 3.2), and has the answers to other requests say who may read them. Requests of
 * origins that are not allowed go on: CORS keeps pages from reading, it does not protect backends.
 * @param own the backend whose answers are left alone: the application that the facade is part of, which has its own way.
 */
export function corsGate(own?: string): Gate {
  return (checked) => {
    const { cors } = checked.route;
    if (cors === undefined || checked.backend.name === own) return undefined;
    const { request } = checked;
    if (isCorsPreflight(request)) return preflight(cors, request);
    const { origin } = request.headers;
    const { answerHeaders } = checked;
    // Added to the backend's own Vary, which a name in lower case would replace.
    if (cors.allows !== undefined) answerHeaders.push(['Vary', 'Origin']);
    const allowed = allowedOrigin(cors, origin);
    if (allowed === undefined) return undefined;
    answerHeaders.push(['access-control-allow-origin', allowed]);
    if (cors.credentials) answerHeaders.push(['access-control-allow-credentials', 'true']);
    if (cors.expose !== undefined) answerHeaders.push(['access-control-expose-headers', cors.expose]);
    return undefined;
  };
}

function isCorsPreflight({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'OPTIONS' &&
    headers.origin !== undefined &&
    headers['access-control-request-method'] !== undefined
  );
}

/** An origin that is not allowed gets the same answer without permission, which says no to every browser. */
function preflight(cors: Cors, { headers: asked }: IncomingMessage): OwnAnswer {
  const headers: Record<string, string> = {};
  if (cors.allows !== undefined || cors.headers === undefined) {
    headers.vary = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';
  }
  const allowed = allowedOrigin(cors, asked.origin);
  if (allowed === undefined) return { status: 204, headers };
  headers['access-control-allow-origin'] = allowed;
  headers['access-control-allow-methods'] = cors.methods;
  const allowedHeaders = cors.headers ?? namesIn(asked['access-control-request-headers']);
  if (allowedHeaders) headers['access-control-allow-headers'] = allowedHeaders;
  if (cors.credentials) headers['access-control-allow-credentials'] = 'true';
  if (cors.maxAge !== undefined) headers['access-control-max-age'] = cors.maxAge;
  return { status: 204, headers };
}

function allowedOrigin({ allows }: Cors, origin: string | undefined): string | undefined {
  if (allows === undefined) return '*';
  return origin !== undefined && allows(origin) ? origin : undefined;
}

function namesIn(asked: string | string[] | undefined): string | undefined {
  const text = String(asked ?? '');
  return text.length <= mostAskedHeaders && listOfNames.test(text) ? text : undefined;
}

/** The headers of a backend's answer without what it says of CORS itself: browsers refuse an answer that says it twice. */
export function withoutCors(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!/^access-control-/i.test(name)) kept.push(name, headers[index + 1] as string);
  }
  return kept;
}
