import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CachedResult } from '../cache/caching-forwarder.ts';
import { checkHeaders } from '../check/headers.ts';
import { faultHeader, faultProblem, injectFault } from '../faults/fault.ts';
import type { Forwarding } from '../forward/forwarder.ts';
import { retryAfterHeader, upstreamProblem } from '../forward/upstream-failure.ts';
import { answerRewriter, headersAsked } from '../rewrite/of-route.ts';
import { answerHeaders } from './answer-headers.ts';
import { check } from './check.ts';
import { askTheOther, beginComparison } from './comparison.ts';
import { fallbackOf } from './fallback.ts';
import { stoppedAt } from './gate.ts';
import { answerForTheServer, answerItself, refuse, statusOf } from './own-answer.ts';
import type { Steps } from './steps.ts';
import { Trail } from './trail.ts';
import { vouch } from './vouch.ts';

/** check -> decide -> gates -> identify -> forward -> compare -> record, for one ordinary request. */
export async function exchange(
  steps: Steps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const trail = new Trail(steps, request, request.method ?? '');
  const { received, span } = trail;
  if (
    received.target === '*' &&
    request.method === 'OPTIONS' &&
    checkHeaders(request, steps.table().headers) === undefined
  ) {
    answerForTheServer(request, response);
    return trail.end(undefined, 'facade', 204);
  }
  const checked = check(steps, request, received, trail.traceparent);
  if ('status' in checked) {
    // What comes next on the connection of a request that is read in two ways is not to be trusted.
    refuse(request, response, checked, checked.code === 'no_route' ? {} : { connection: 'close' });
    return trail.end(undefined, 'facade', checked.status);
  }
  const { route, backend } = checked;
  span?.decided(route, checked.host);
  const stopped =
    (await stoppedAt(steps.gates, checked)) ??
    (route.validate && (await steps.validator.refusal(route.validate, checked, response)));
  if (stopped !== undefined) {
    answerItself(request, response, stopped, checked.answerHeaders);
    return trail.end(route.name, 'facade', statusOf(stopped));
  }
  const fault =
    route.faults &&
    (await injectFault(route.faults, response, (kind) => steps.record.faulted(route.name, kind)));
  if (fault === 'abort') {
    const problem = faultProblem(route.faults?.abort ?? 503, route.name);
    const headers = { ...Object.fromEntries(checked.answerHeaders), [faultHeader]: fault };
    refuse(request, response, problem, headers);
    return trail.end(route.name, 'facade', problem.status);
  }
  const vouched = await vouch(checked);
  if ('answer' in vouched) {
    answerItself(request, response, vouched.answer, checked.answerHeaders);
    return trail.end(route.name, 'facade', statusOf(vouched.answer), vouched.failure, vouched.failed);
  }

  const comparison = beginComparison(steps.shadow, checked);
  const forwarding: Forwarding = {
    backend,
    method: checked.method,
    path: checked.path,
    headers: headersAsked(route, request, backend, vouched),
    request,
    response,
    answerHeaders: answerHeaders(checked, backend, fault),
    rewriteAnswer: answerRewriter(route, backend, vouched),
    tap: comparison?.shadowing.tap,
    bodyTap: comparison?.shadowing.bodyTap,
    bodyBound: checked.bodyBound,
    fallback: fallbackOf(checked, vouched, fault),
  };
  const result: CachedResult = await (route.cache === undefined
    ? steps.forwarder.forward(forwarding)
    : steps.cache.forward(forwarding, checked));
  const answering = result.backend ?? backend;
  steps.identifier.answered(checked.table, answering, request);

  if (comparison !== undefined) {
    if (result.kind === 'answered' && answering === backend && !result.cached)
      askTheOther(comparison, checked, vouched);
    else comparison.shadowing.cancel();
  }
  if (result.kind !== 'failed') {
    const failure = result.kind === 'broken' ? result.failure : undefined;
    return trail.end(route.name, result.cached ? 'facade' : answering.name, result.status, failure);
  }
  const { failure } = result;
  if (failure.kind === 'client_gone') return trail.end(route.name, answering.name, 0, failure);
  const problem = upstreamProblem(failure, route.name, answering.name);
  const headers = Object.fromEntries(checked.answerHeaders);
  refuse(request, response, problem, { ...headers, ...retryAfterHeader(failure) });
  // The backend has nothing to do with what the client sends too much of.
  if (failure.kind === 'body_too_large') trail.end(route.name, 'facade', problem.status);
  else trail.end(route.name, answering.name, problem.status, failure);
}
