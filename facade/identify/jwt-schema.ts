import { z } from 'zod';
import { durationInMilliseconds } from '../routes/duration.ts';
import { duration } from '../routes/schema-values.ts';

/** Algorithms whose tokens everybody can verify and one party can sign (RFC 7518, 3.1; RFC 8037). */
const publicKeyAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** Algorithms with one secret for both, and the least characters that it may have (RFC 7518, 3.2). */
export const secretLengths = { HS256: 32, HS384: 48, HS512: 64 } as const;

const algorithm = z.enum([...publicKeyAlgorithms, 'HS256', 'HS384', 'HS512']);

const claim = z.string().min(1).max(256);

/** Where the keys come from: one of these is given. */
export const keyKinds: readonly string[] = ['jwks', 'publicKeys', 'secret'];

/** The key `identity.jwt`. */
export const jwtEntry = z
  .strictObject({
    jwks: z
      .string()
      .optional()
      .describe(
        'URL of the JWKS with the public keys of whoever issues the tokens. One of jwks, publicKeys and secret; the others are left out.',
      )
      .meta({ examples: ['https://login.example/.well-known/jwks.json'] }),
    publicKeys: z
      .string()
      .optional()
      .describe(
        'Instead: a file with them, as a JWKS or as one key or certificate in PEM; relative to this file. Left out with jwks.',
      )
      .meta({ examples: ['login.pem'] }),
    secret: z
      .string()
      .optional()
      .describe(
        `Instead: the secret that is shared with whoever issues the tokens, from the environment only: \${JWT_SECRET}. Left out with jwks.`,
      ),
    algorithms: z
      .array(algorithm)
      .min(1, { error: 'must name at least one algorithm' })
      .describe('The only algorithms that tokens may be signed with.')
      .meta({ examples: [['RS256']] }),
    issuer: z.string().min(1).max(1024).describe("What the tokens' `iss` must be."),
    audience: z
      .union([z.string().min(1).max(1024), z.array(z.string().min(1).max(1024)).min(1)])
      .describe("What the tokens' `aud` must name: one name, or a list of which one is enough."),
    clockTolerance: duration
      .refine((text) => !(durationInMilliseconds(text) > 60_000), {
        error: 'must be a duration of at most 1m',
      })
      .optional()
      .describe('By how much clocks may differ. At most 1m. Default 5s.'),
    userId: claim
      .optional()
      .describe("The claim that is the user's id; without it a token is refused. Default sub."),
    role: claim.optional().describe("The claim that is the user's role, if it is text. Default role."),
  })
  .describe('How `auth: jwt` verifies bearer tokens.');

export type JwtEntry = z.infer<typeof jwtEntry>;
