import type { IncomingMessage } from 'node:http';
import { withoutCors } from '../cors/cors.ts';
import { requestHeaders, type Vouched } from '../forward/request-headers.ts';
import type { Backend, Route } from '../routes/model.ts';
import { changeHeaders, rewriteAnswer } from './rewrite-headers.ts';

/** The headers of the request to a backend, as the route wants them. */
export function headersAsked(
  { rewrite }: Route,
  request: IncomingMessage,
  backend: Backend,
  vouched: Vouched,
): string[] {
  const headers = requestHeaders(request, backend, vouched);
  return rewrite?.requestHeaders === undefined ? headers : changeHeaders(rewrite.requestHeaders, headers);
}

/** What a route does with the headers of a backend's answer; undefined where they pass as they are. */
export function answerRewriter(
  { rewrite, cors }: Route,
  { urls }: Backend,
  { scheme, host }: Vouched,
): ((headers: string[]) => string[]) | undefined {
  const answer = rewrite?.answer;
  if (answer === undefined) return cors && withoutCors;
  const rewritten = (headers: string[]) => rewriteAnswer(answer, headers, { own: urls, scheme, host });
  return cors === undefined ? rewritten : (headers) => withoutCors(rewritten(headers));
}
