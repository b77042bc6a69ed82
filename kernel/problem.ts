import type { ServerResponse } from 'node:http';

/** An error answer of the toolkit's own HTTP servers (RFC 9457, application/problem+json). */
export interface Problem {
  status: number;
  /** Stable, machine-readable name, in snake_case. */
  code: string;
  /** Short, the same for every occurrence of the code. */
  title: string;
  /** What happened this time, and what to do about it. */
  detail?: string;
  /** Further members, such as the route or the backend concerned. */
  [member: string]: unknown;
}

/** The body of a problem answer, as bytes. `type` is about:blank: the code says what it is. */
export function problemBody(problem: Problem): Buffer {
  return Buffer.from(`${JSON.stringify({ type: 'about:blank', ...problem })}\n`);
}

/** Answers with a problem. The response must not have been started. */
export function sendProblem(
  response: ServerResponse,
  problem: Problem,
  headers: Record<string, string> = {},
): void {
  const body = problemBody(problem);
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json',
    'content-length': String(body.length),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
