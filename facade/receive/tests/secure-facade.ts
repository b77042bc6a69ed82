import { chmod, copyFile, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { onTestFinished } from 'vitest';
import { type RunningFacade, startRunningFacade } from '../../tests/running-facade.ts';
import { RawHttp2 } from './raw-http2.ts';

export type CertificateName = 'shop' | 'shop-renewed' | 'other' | 'expired' | 'not-yet-valid' | 'nameless';

const own = path.join(import.meta.dirname, 'certificates');

/** PEM of a certificate; each signs itself, so it is also the authority that clients trust. */
export function pemOf(name: CertificateName): Promise<Buffer> {
  return readFile(path.join(own, `${name}.pem`));
}

/** A folder with certificate files that tests may change. */
export class CertificateFolder {
  readonly path: string;

  private constructor(folder: string) {
    this.path = folder;
  }

  static async make(...names: CertificateName[]): Promise<CertificateFolder> {
    const folder = new CertificateFolder(await mkdtemp(path.join(tmpdir(), 'certificates-')));
    onTestFinished(() => rm(folder.path, { recursive: true, force: true }));
    for (const name of names) await folder.put(name);
    return folder;
  }

  /** Puts one of the certificates there, under its own name or another's. */
  async put(name: CertificateName, as: string = name): Promise<void> {
    await this.putCertificate(name, as);
    await this.putKey(name, as);
  }

  /** Written beside and renamed, as certbot does. */
  async putCertificate(name: CertificateName, as: string): Promise<void> {
    const file = path.join(this.path, `${as}.pem`);
    await copyFile(path.join(own, `${name}.pem`), `${file}.new`);
    await rename(`${file}.new`, file);
  }

  async putKey(name: CertificateName | 'encrypted', as: string): Promise<void> {
    const file = path.join(this.path, `${as}.key`);
    await copyFile(path.join(own, `${name}.test-only.key`), `${file}.new`);
    await chmod(`${file}.new`, 0o600);
    await rename(`${file}.new`, file);
  }

  /** An entry of `tls.certificates`. */
  entry(as: string, names?: string): string {
    const { path: folder } = this;
    return `{ certificate: ${folder}/${as}.pem, key: ${folder}/${as}.key${names ? `, names: [${names}]` : ''} }`;
  }
}

export interface SecureFacade extends RunningFacade {
  readonly tlsPort: number;
}

/** routes.yaml of a facade with TLS before one backend. */
export function secureRoutes(originPort: number, certificates: readonly string[], more = ''): string {
  return `version: 1
servedBy: true
tls:
  certificates: [${certificates.join(', ')}]
  ${more}
backends:
  origin: { url: http://127.0.0.1:${originPort}, timeouts: { connect: 500ms, request: 5s, idle: 5s } }
routes:
  - { name: all, match: { path: /* }, to: origin }
`;
}

/** A facade with TLS, and the certificate for shop.example, before one backend. */
export async function startSecureFacade(originPort: number, more = ''): Promise<SecureFacade> {
  const folder = await CertificateFolder.make('shop');
  return secured(await startRunningFacade(secureRoutes(originPort, [folder.entry('shop')], more)));
}

export function secured(facade: RunningFacade): SecureFacade {
  if (facade.tlsPort === undefined) throw new Error('The facade does not speak TLS.');
  return { ...facade, tlsPort: facade.tlsPort };
}

/** A connection with TLS; its certificate is looked at by who wants to. */
export async function connectTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = tlsConnect({
    port,
    host: '127.0.0.1',
    servername: 'shop.example',
    rejectUnauthorized: false,
    ...options,
  });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** The name in the certificate that a server shows. */
export async function shownTo(port: number, servername: string | undefined): Promise<string> {
  const socket = await connectTls(port, servername === undefined ? { servername: '' } : { servername });
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN).replace(' (test only)', '');
}

/** A client of node:http2 that trusts the shop's certificate. */
export async function connectHttp2(port: number): Promise<ClientHttp2Session> {
  const ca = await pemOf('shop');
  const session = connect('https://shop.example', {
    maxSessionMemory: 1000,
    createConnection: () =>
      tlsConnect({ port, host: '127.0.0.1', servername: 'shop.example', ALPNProtocols: ['h2'], ca }),
  });
  session.on('error', () => {});
  onTestFinished(() => session.destroy());
  return session;
}

/** A connection on which a test writes frames itself. */
export async function connectRaw(
  port: number,
  settings: readonly (readonly [number, number])[] = [],
): Promise<RawHttp2> {
  return new RawHttp2(await connectTls(port, { ALPNProtocols: ['h2'] }), settings);
}

export interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Takes an answer to its end. @throws where the stream was reset. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const answer = { status: 0, headers: {}, trailers: {}, body: '' };
  stream.on('response', (headers) => Object.assign(answer, { headers, status: headers[':status'] }));
  stream.on('trailers', (trailers) => Object.assign(answer, { trailers }));
  stream.setEncoding('latin1');
  for await (const piece of stream) answer.body += piece;
  return answer;
}
