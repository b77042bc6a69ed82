import { z } from 'zod';

const serverName = z
  .string()
  .max(255)
  .regex(/^(?:\*\.)?(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}$/i, {
    error: 'must be a host name such as shop.example, or *.shop.example',
  });

const file = z.string().min(1, { error: 'must be the path of a file' });

const certificate = z
  .strictObject({
    names: z
      .array(serverName)
      .min(1, { error: 'must have at least one name' })
      .optional()
      .describe(
        'The server names that it is shown for; *.shop.example is one label below. Default: the DNS names in it.',
      ),
    certificate: file
      .describe('A PEM file with the certificate, then those between it and the root. Relative to this file.')
      .meta({ examples: ['tls/fullchain.pem'] }),
    key: file
      .describe('A PEM file with its private key, not encrypted. Relative to this file.')
      .meta({ examples: ['tls/privkey.pem'] }),
  })
  .describe('A certificate and its key. Both files are watched: renewing them needs no restart.');

export const tlsEntry = z
  .strictObject({
    certificates: z
      .array(certificate)
      .min(1, { error: 'must have at least one certificate' })
      .describe('Chosen by the server name that a client asks for; the first one is for all others.'),
    minVersion: z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .optional()
      .describe('The oldest version of TLS that is spoken. Default TLSv1.2. Changes count after a restart.'),
    http2: z
      .boolean()
      .optional()
      .describe('Whether clients may speak HTTP/2. Default true. Changes count after a restart.'),
    plain: z
      .enum(['redirect', 'serve'])
      .optional()
      .describe(
        'What becomes of requests to the port without TLS: 308 to https (redirect, the default), or an answer (serve).',
      ),
    publicPort: z
      .number()
      .int({ error: 'must be a port' })
      .min(1, { error: 'must be a port from 1 to 65535' })
      .max(65_535, { error: 'must be a port from 1 to 65535' })
      .optional()
      .describe('The port of https to clients, for redirects. Default: the one that is listened on.'),
  })
  .describe(
    'Certificates, with which the facade also listens on FACADE_TLS_PORT (8443), for HTTP/2 and HTTP/1.1. Default: none, and it does not.',
  );
