import { traceIdIn } from '@strangler-fig/kernel/trace';
import { comparedWith } from '../compare/compared-with.ts';
import type { Shadow, Shadowing } from '../compare/shadow.ts';
import type { Vouched } from '../forward/request-headers.ts';
import { answerRewriter, headersAsked } from '../rewrite/of-route.ts';
import type { Backend } from '../routes/model.ts';
import type { Checked } from './checked.ts';

/** A comparison under way: what the first backend is asked and answers is being kept. */
export interface Comparison {
  readonly other: Backend;
  readonly shadowing: Shadowing;
}

/** Begins a comparison where the route and the request allow one. */
export function beginComparison(shadow: Shadow, checked: Checked): Comparison | undefined {
  const { table, route, backend, path, method, request, traceparent, target, host } = checked;
  const { compare } = route;
  if (compare === undefined) return undefined;
  const traceId = traceIdIn(traceparent);
  const other = comparedWith(table, route, backend, request, traceId);
  if (other === undefined) return undefined;
  const where = { path: target.path, origins: [...backend.urls, ...other.urls], host };
  const what = { route: route.name, compare, method, path, traceId, backend: backend.name, where };
  const shadowing = shadow.begin(what);
  return shadowing && { other, shadowing };
}

/** The first backend has answered: the other one is asked. */
export function askTheOther({ other, shadowing }: Comparison, checked: Checked, vouched: Vouched): void {
  const { route, request } = checked;
  shadowing.finish(async () => {
    const identity = await checked.identityFor(other);
    return {
      other,
      headers: headersAsked(route, request, other, { ...vouched, identity }),
      asSeen: answerRewriter(route, other, vouched) ?? ((headers) => headers),
    };
  });
}
