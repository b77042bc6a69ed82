import type { Gate } from '../exchange/gate.ts';
import { bodyTooLarge } from '../forward/request-body.ts';
import { upstreamProblem } from '../forward/upstream-failure.ts';

/**
 * A gate that refuses a body which is announced to be too long, before anything goes to a backend. One that is not
 * announced is counted as it arrives, in forward/request-body.ts.
 */
export function bodyGate(refused: (route: string) => void): Gate {
  return (checked) => {
    const { table, route, request, backend } = checked;
    const most = route.mostBody ?? table.mostBody;
    if (most === undefined) return undefined;
    const exceeded = () => refused(route.name);
    checked.bodyBound = { most, exceeded };
    const length = request.headers['content-length'];
    if (length === undefined || Number(length) <= most) return undefined;
    exceeded();
    return { problem: upstreamProblem(bodyTooLarge(most), route.name, backend.name) };
  };
}
