import type { Server } from 'node:http';
import { type ListenAddress, listen } from '@strangler-fig/kernel/listen';
import type { Logger } from '@strangler-fig/kernel/log';
import type { RouteTable } from '../../routes/model.ts';
import { Http2Connections } from '../http2/connections.ts';
import type { Receiver } from '../server.ts';
import { type CertificateEvents, Certificates } from './certificates.ts';
import type { TlsSettings } from './compile-tls.ts';
import { createSecureServer } from './server.ts';

export interface SecureReceivingOptions {
  readonly settings: TlsSettings;
  /** routes.yaml, for messages. */
  readonly file: string;
  readonly receiver: Receiver;
  /** Takes connections on which HTTP/1.1 is spoken. */
  readonly http1: Server;
  readonly address: ListenAddress;
  readonly events: CertificateEvents;
}

/** Clients that come with TLS. */
export interface SecureReceiving {
  readonly port: number;
  readonly certificates: Certificates;
  /** Takes over the certificates of a new routes.yaml. */
  follow(settings: TlsSettings): void;
  /** Takes no more connections, and tells clients of HTTP/2 so. Resolves when there are none. */
  close(): Promise<void>;
  /** Closes all connections. */
  cut(): void;
}

/**
 * Reads the certificates, and listens.
 * @throws RoutesInvalid for certificates that cannot be used; Failure where the port cannot be had.
 */
export async function startSecureReceiving(options: SecureReceivingOptions): Promise<SecureReceiving> {
  const { settings, receiver, http1, address } = options;
  const certificates = await Certificates.load(settings, options.file, options.events);
  const http2 = new Http2Connections(receiver);
  const { server, close, cut } = createSecureServer({ certificates, settings, http1, http2 });
  let port: number;
  try {
    port = await listen(server, address);
  } catch (error) {
    await certificates.close();
    throw error;
  }
  return {
    port,
    certificates,
    follow: (changed) => certificates.follow(changed),
    async close() {
      http2.close();
      await Promise.all([close(), certificates.close()]);
    },
    cut() {
      http2.cut();
      cut();
    },
  };
}

/** After an edit of routes.yaml: new certificates count from now on, to listen or not is decided at the start. */
export function followTls(
  secure: SecureReceiving | undefined,
  started: TlsSettings | undefined,
  { tls }: RouteTable,
  log: Logger,
): void {
  if (secure !== undefined && tls !== undefined) secure.follow(tls);
  const isSame = tls?.http2 === started?.http2 && tls?.minVersion === started?.minVersion;
  if (!isSame) log.warn({ code: 'tls_needs_restart' }, 'what routes.yaml says of tls counts after a restart');
}
