import { Gauge, type Registry } from '@prometheus-io/client';
import type { Logger } from '@strangler-fig/kernel/log';
import type { CertificateEvents, Certificates } from './certificates.ts';

/**
 * What is written down of certificates: the log's lines and the metrics.
 * @param certificates asked whenever the metrics are read; undefined where the facade does not speak TLS.
 */
export function certificateRecord(
  log: Logger,
  registry: Registry,
  certificates: () => Certificates | undefined,
): CertificateEvents {
  const gauge = (name: string, help: string, read: (set: Gauge<'name'>) => void) => {
    new Gauge({
      name,
      help,
      labelNames: ['name'],
      registers: [registry],
      collect() {
        this.reset();
        read(this);
      },
    });
  };
  gauge(
    'strangler_certificate_expires_timestamp_seconds',
    'When the certificate in force expires, by its first server name, in seconds since 1970.',
    (set) => {
      for (const { certificate } of certificates()?.all() ?? []) {
        set.set({ name: certificate.name }, certificate.expires.getTime() / 1000);
      }
    },
  );
  gauge(
    'strangler_certificate_valid',
    '1 while the certificate files as they stand are in force, 0 while older ones are because these cannot be used.',
    (set) => {
      for (const { certificate, valid } of certificates()?.all() ?? []) {
        set.set({ name: certificate.name }, valid ? 1 : 0);
      }
    },
  );
  return {
    inForce({ name, expires, keyIsOpen }) {
      log.info({ name, expires: expires.toISOString() }, 'certificate is in force');
      if (!keyIsOpen) return;
      log.warn(
        { code: 'key_readable_by_all', name },
        'every user of this machine can read the private key; set its mode to 0640 or less',
      );
    },
    unusable(name, { code, message, hint }) {
      log.error(
        { code, name, problem: `${message} ${hint}` },
        'certificate is not usable; the last good one stays',
      );
    },
  };
}
