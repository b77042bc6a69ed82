import type { Server } from 'node:net';
import { Failure } from './failure.ts';

/** Where a server shall listen. */
export interface ListenAddress {
  /** What listens, for messages: 'the facade'. */
  what: string;
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** The setting that changes the port, for messages: 'FACADE_PORT' or '--port'. */
  setting: string;
}

/**
 * Listens and gives the port that it got.
 * @throws Failure `port_in_use`, `port_not_allowed` or `address_not_available`, naming port and setting.
 */
export function listen(server: Server, address: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(listenFailure(error, address));
    server.once('error', fail);
    server.listen(address.port, address.host, () => {
      server.off('error', fail);
      const bound = server.address();
      resolve(bound !== null && typeof bound === 'object' ? bound.port : address.port);
    });
  });
}

function listenFailure(error: NodeJS.ErrnoException, { what, host, port, setting }: ListenAddress): Error {
  const place = `${what} cannot listen on ${host}:${port}`;
  if (error.code === 'EADDRINUSE') {
    return new Failure('port_in_use', `${place}: the port is in use.`, {
      hint: `Set ${setting} to another port (0 for any free one).`,
      cause: error,
    });
  }
  if (error.code === 'EACCES') {
    return new Failure('port_not_allowed', `${place}: the system does not allow this port.`, {
      hint: `Set ${setting} to a port above 1023.`,
      cause: error,
    });
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new Failure('address_not_available', `${place}: this machine has no such address.`, {
      hint: 'Set HOST to an address of this machine.',
      cause: error,
    });
  }
  return error;
}
