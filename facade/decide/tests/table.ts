import { parseTarget } from '../../check/target.ts';
import { parseRoutes } from '../../routes/load.ts';
import type { RouteTable } from '../../routes/model.ts';
import { decide } from '../decide.ts';
import type { DecisionRequest } from '../request.ts';

/** A table of routes in YAML flow style, with the backends a, b and c. */
export function tableOf(...routes: string[]): RouteTable {
  const backends = ['a', 'b', 'c'].map((name) => `  ${name}: { url: "http://${name}.internal" }`);
  const lines = routes.map((route) => `  - { ${route} }`);
  return parseRoutes(['version: 1', 'backends:', ...backends, 'routes:', ...lines].join('\n'), 'test.yaml');
}

/** A request as `GET /path`, with headers. */
export function request(line: string, headers: Record<string, string> = {}): DecisionRequest {
  const [method = '', target = ''] = line.split(' ');
  return {
    method,
    target: parseTarget(target, method),
    headers: { host: 'shop.example', ...headers },
    clientAddress: '192.0.2.1',
  };
}

/** The name of the route that answers. */
export function routeFor(
  table: RouteTable,
  line: string,
  headers: Record<string, string> = {},
): string | undefined {
  return decide(table, request(line, headers))?.route.name;
}
