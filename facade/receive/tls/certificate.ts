import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { CertificateFiles } from './compile-tls.ts';

/** A certificate with its key, as TLS uses them. */
export interface Certificate {
  /** Its first server name, for logs and metrics. */
  readonly name: string;
  /** Lower case, the server names that it is shown for. */
  readonly names: readonly string[];
  readonly expires: Date;
  /** PEM. */
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly context: SecureContext;
  /** SHA-256 of both files: tells whether they have changed. */
  readonly digest: string;
  /** Every user of the machine can read the key. */
  readonly keyIsOpen: boolean;
}

/** Why a certificate and its key cannot be used. */
export class CertificateUnusable extends Error {
  readonly code: string;
  /** What to do about it. */
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.name = 'CertificateUnusable';
    this.code = code;
    this.hint = hint;
  }
}

/** Bytes of a certificate file with all that are between, or of a key. */
const longestFile = 1024 * 1024;

/** The two files, before anything is known of them. */
export interface CertificateBytes {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly keyIsOpen: boolean;
  readonly digest: string;
}

/** @throws CertificateUnusable */
export async function readCertificateFiles(files: CertificateFiles): Promise<CertificateBytes> {
  const cert = await readBounded(files.certificate, 'certificate');
  const key = await readBounded(files.key, 'key');
  const digest = createHash('sha256').update(cert.bytes).update('\0').update(key.bytes).digest('hex');
  return { cert: cert.bytes, key: key.bytes, keyIsOpen: (key.mode & 0o004) !== 0, digest };
}

/**
 * Checks that a certificate is valid now, that the key is its own, and makes what TLS needs of the two.
 * @throws CertificateUnusable
 */
export function checkCertificate(
  files: CertificateFiles,
  bytes: CertificateBytes,
  minVersion: 'TLSv1.2' | 'TLSv1.3',
): Certificate {
  const { cert, key } = bytes;
  const x509 = readX509(files.certificate, cert);
  if (!x509.checkPrivateKey(readKey(files.key, key))) {
    throw new CertificateUnusable(
      'key_mismatch',
      `The key ${files.key} is not that of the certificate ${files.certificate}.`,
      'Give the two that were issued together; in a file of several certificates the server’s own comes first.',
    );
  }
  const expires = validNow(files.certificate, x509);
  const names = files.names ?? namesIn(x509);
  const [name] = names;
  if (name === undefined) {
    throw new CertificateUnusable(
      'certificate_without_names',
      `The certificate ${files.certificate} has no DNS names.`,
      'Say which server names it is for: names: [shop.example].',
    );
  }
  let context: SecureContext;
  try {
    context = createSecureContext({ cert, key, minVersion });
  } catch (error) {
    const { message } = error as Error;
    throw new CertificateUnusable(
      'certificate_refused',
      `TLS does not take the certificate ${files.certificate}: ${message}.`,
      'Have one issued with a key of at least 2048 bits (RSA) or 256 (EC), signed with SHA-256.',
    );
  }
  return Object.freeze({ ...bytes, name, names, expires, context });
}

async function readBounded(
  file: string,
  what: 'certificate' | 'key',
): Promise<{ bytes: Buffer; mode: number }> {
  try {
    await using handle = await open(file);
    const { mode, size } = await handle.stat();
    if (size > longestFile) {
      throw new CertificateUnusable(
        `${what}_malformed`,
        `${file} has more than ${longestFile} bytes.`,
        'Is this the right file?',
      );
    }
    return { bytes: await handle.readFile(), mode };
  } catch (error) {
    if (error instanceof CertificateUnusable) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new CertificateUnusable(
        `${what}_not_found`,
        `There is no file ${file}.`,
        'Paths are relative to routes.yaml.',
      );
    }
    throw new CertificateUnusable(
      `${what}_unreadable`,
      `${file} cannot be read (${code ?? message}).`,
      'Let the user that the facade runs as read it.',
    );
  }
}

function readX509(file: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new CertificateUnusable(
      'certificate_malformed',
      `${file} does not begin with a certificate in PEM.`,
      'It has a line "-----BEGIN CERTIFICATE-----".',
    );
  }
}

function readKey(file: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    const encrypted = pem.includes('ENCRYPTED');
    throw new CertificateUnusable(
      encrypted ? 'key_encrypted' : 'key_malformed',
      encrypted ? `The key ${file} is encrypted.` : `${file} is not a private key in PEM.`,
      encrypted
        ? 'Store it without a passphrase, readable by the facade only.'
        : 'It has a line "-----BEGIN PRIVATE KEY-----".',
    );
  }
}

/** Until when it is valid. */
function validNow(file: string, { validFromDate, validToDate }: X509Certificate): Date {
  const now = Date.now();
  if (validToDate.getTime() <= now) {
    throw new CertificateUnusable(
      'certificate_expired',
      `The certificate ${file} has expired (${validToDate.toISOString()}).`,
      'Renew it.',
    );
  }
  if (validFromDate.getTime() > now) {
    throw new CertificateUnusable(
      'certificate_not_yet_valid',
      `The certificate ${file} is valid only from ${validFromDate.toISOString()}.`,
      "Set this machine's clock, or wait.",
    );
  }
  return validToDate;
}

function namesIn({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/DNS:([^,\s"]+)/g)].map(([, name = '']) => name.toLowerCase());
}
