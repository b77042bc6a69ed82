import type { AddressInfo } from 'node:net';
import type { Service } from '../service.ts';

/** Lets a service listen on a free port inside the test's own process. */
export async function listen(app: Service): Promise<{ url: string; port: number; close(): Promise<void> }> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, close: () => app.close() };
}
