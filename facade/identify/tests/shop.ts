import { decodeJwt } from 'jose';
import { type HttpOrigin, startOrigin } from '../../tests/origins.ts';
import { ask, get, type RawAnswer } from '../../tests/raw-client.ts';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';
import { audience, issuerName } from './issuer.ts';

export const secret = 'a secret of the tests, long enough to be one';

/** A facade before an application and a service, with routes by how they identify their callers. */
export interface Shop {
  readonly app: HttpOrigin;
  readonly service: HttpOrigin;
  readonly facade: RunningFacade;
  /** Asks for a path with these headers. */
  get(path: string, ...headers: string[]): Promise<RawAnswer>;
  /** Whom the service was told to be calling. */
  caller(path: string, ...headers: string[]): Promise<{ sub?: string; role?: unknown }>;
}

/** The routes of a shop. */
export const shopRoutes = (appPort: number, servicePort: number, jwt: string) => `version: 1
identity:
  secret: \${SECRET}
  session: { cookie: sid, backend: app, path: /me, cache: 0s }
  jwt: ${jwt}
backends:
  app: { url: http://127.0.0.1:${appPort} }
  service: { url: http://127.0.0.1:${servicePort}, identity: true }
routes:
  - { name: token, match: { path: /token/* }, to: service, auth: jwt }
  - { name: token-app, match: { path: /token-app/* }, to: app, auth: jwt }
  - { name: optional, match: { path: /optional/* }, to: service, auth: { by: jwt, required: false } }
  - { name: either, match: { path: /either/* }, to: service, auth: [jwt, session] }
  - { name: app, match: { path: /* }, to: app }
`;

/** Settings of identity.jwt, with the keys where a test says. */
export const jwtSettings = (keys: string, algorithms = '[RS256]') =>
  `{ ${keys}, algorithms: ${algorithms}, issuer: "${issuerName}", audience: ${audience} }`;

export async function startShop(jwt: string, env: Record<string, string> = {}): Promise<Shop> {
  const app = await startOrigin((request, response) => {
    if (request.url !== '/me') return void response.writeHead(200).end('app');
    const known = request.headers.cookie === 'sid=ada';
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? { id: 7, role: 'admin' } : {}));
  });
  const service = await startOrigin((request, response) => {
    response.end(JSON.stringify(decodeJwt(String(request.headers['x-strangler-identity']))));
  });
  const facade = await startRunningFacade(shopRoutes(app.port, service.port, jwt), {
    env: { SECRET: secret, ...env },
  });
  return {
    app,
    service,
    facade,
    get: (path, ...headers) => ask(facade.port, get(path, ...headers)),
    async caller(path, ...headers) {
      const answer = await ask(facade.port, get(path, ...headers));
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
      const { sub, role } = JSON.parse(answer.body);
      return { sub, role };
    },
  };
}

/** Status, code and challenge of an answer. */
export function refusal(answer: RawAnswer) {
  const code =
    answer.header('content-type') === 'application/problem+json' ? JSON.parse(answer.body).code : '';
  return [answer.status, code, answer.header('www-authenticate')];
}

export const tokenRequired = [401, 'token_required', 'Bearer'];
export const tokenInvalid = [401, 'token_invalid', 'Bearer error="invalid_token"'];
