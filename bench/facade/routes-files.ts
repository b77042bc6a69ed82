/** A routes.yaml with so many routes, of which the last is asked for; they differ in literals, parameters, methods. */
export function routesWith(count: number, originPort: number): { text: string; path: string } {
  const routes = Array.from({ length: count - 2 }, (_, index) => {
    const kind = index % 4;
    const path = [
      `/api/area${index}/list`,
      `/api/area${index}/:id`,
      `/api/area${index}/:id/parts/:part`,
      `/pages/area${index}/*`,
    ][kind];
    return `  - { name: area-${index}, match: { path: '${path}', method: ${kind === 2 ? 'POST' : 'GET'} }, to: origin }`;
  });
  const text = `version: 1
servedBy: true
accessLog: { sample: 1% }
backends:
  origin: { url: 'http://127.0.0.1:${originPort}' }
routes:
${routes.join('\n')}
  - { name: asked, match: { path: /api/inventory/:itemId, method: GET }, to: origin }
  - { name: rest, match: { path: /* }, to: origin }
`;
  return { text, path: '/api/inventory/17' };
}
