import type { Problem } from '@strangler-fig/kernel/problem';
import type { Gate } from '../../exchange/gate.ts';
import { isWebSocketHandshake } from '../server.ts';

/** For what cannot be redirected: clients of WebSockets do not follow, and without a host there is nowhere to. */
const tlsRequired: Problem = {
  status: 403,
  code: 'tls_required',
  title: 'TLS required',
  detail: 'This is answered by https and wss only.',
};

/**
 * Sends requests that came without TLS to where there is TLS, with their method (308). A trusted proxy that says
 * `https` is taken at its word.
 * @param listened the port that is listened on with TLS.
 */
export function redirectGate(listened: () => number): Gate {
  return ({ table: { tls }, received, request, host, target }) => {
    if (received.scheme === 'https' || tls?.plain !== 'redirect') return undefined;
    const name = host.replace(/:[0-9]*$/, '');
    if (name === '' || isWebSocketHandshake(request)) return { problem: tlsRequired };
    const port = tls.publicPort ?? listened();
    const query = target.query === undefined ? '' : `?${target.query}`;
    const location = `https://${name}${port === 443 ? '' : `:${port}`}${target.path}${query}`;
    return { status: 308, headers: { location, 'content-length': '0' } };
  };
}
