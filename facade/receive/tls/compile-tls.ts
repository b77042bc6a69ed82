import path from 'node:path';
import { tolerant } from '../../routes/entries.ts';
import type { Position } from '../../routes/model.ts';
import type { Report } from '../../routes/report.ts';
import { tlsEntry } from './schema.ts';

/** What routes.yaml says of TLS. The files that it names are read when the facade starts, and watched. */
export interface TlsSettings {
  /** The first one is shown to clients that ask for no name, or an unknown one. */
  readonly certificates: readonly CertificateFiles[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Whether HTTP/2 is offered. */
  readonly http2: boolean;
  readonly plain: 'redirect' | 'serve';
  /** Where clients reach TLS; undefined: on the port that is listened on. */
  readonly publicPort: number | undefined;
}

export interface CertificateFiles {
  /** Lower case; undefined: the DNS names in the certificate. */
  readonly names: readonly string[] | undefined;
  /** Absolute paths. */
  readonly certificate: string;
  readonly key: string;
  /** Where in routes.yaml it stands, for messages. */
  readonly at: Position;
}

/** Compiles the file's `tls`; undefined without one. Paths are relative to the folder of routes.yaml. */
export function compileTls(value: unknown, report: Report): TlsSettings | undefined {
  const { entry } = tolerant(tlsEntry, value);
  if (value === undefined || entry?.certificates === undefined) return undefined;
  const taken = new Set<string>();
  const certificates = entry.certificates.map((files, index) => {
    const at = ['tls', 'certificates', index];
    const names = files.names?.map((name) => name.toLowerCase());
    names?.forEach((name, place) => {
      if (taken.has(name)) {
        report.problem(
          'duplicate_server_name',
          report.source.valueAt([...at, 'names', place]),
          `There is another certificate for "${name}" already.`,
          'Keep one of the two.',
        );
      }
      taken.add(name);
    });
    return Object.freeze({
      names,
      certificate: path.resolve(report.folder, files.certificate),
      key: path.resolve(report.folder, files.key),
      at: report.source.valueAt(at),
    });
  });
  const { minVersion = 'TLSv1.2', http2 = true, plain = 'redirect', publicPort } = entry;
  return Object.freeze({ certificates: Object.freeze(certificates), minVersion, http2, plain, publicPort });
}
