import type { IncomingMessage } from 'node:http';
import { hasBody } from '../forward/request-body.ts';
import { isSampled } from '../record/access-log.ts';
import type { Backend, Route, RouteTable } from '../routes/model.ts';

/**
 * The backend whose answer is compared with the first one's, where the route's sample takes this request and it may
 * be sent twice. Without `writesSafe` only reads are, and of those only the plainest.
 * @param first the backend that answers the client.
 */
export function comparedWith(
  { backends }: RouteTable,
  { compare, writes }: Route,
  first: Backend,
  request: IncomingMessage,
  traceId: string,
): Backend | undefined {
  if (compare === undefined) return undefined;
  const { method } = request;
  const read = method === 'GET' && !writes && !hasBody(request);
  const safeWrite = compare.writesSafe && method !== 'HEAD' && method !== 'OPTIONS';
  if (!(read || safeWrite) || !isSampled(traceId, compare.sample)) return undefined;
  const other = backends.get(compare.with);
  return other === first ? undefined : other;
}
