import type { RouteCache } from '../cache/compile-cache.ts';
import type { Compare } from '../compare/compile-compare.ts';
import type { Cors } from '../cors/compile-cors.ts';
import type { Force } from '../decide/force.ts';
import type { Faults } from '../faults/fault.ts';
import type { RouteAuth } from '../identify/auth.ts';
import type { JwtSettings } from '../identify/compile-jwt.ts';
import type { Addresses } from '../limit/addresses.ts';
import type { FileLimits } from '../limit/compile-limits.ts';
import type { RateLimit } from '../limit/rate-limit.ts';
import type { TlsSettings } from '../receive/tls/compile-tls.ts';
import type { AccessLog } from '../record/access-log.ts';
import type { Rewrite } from '../rewrite/rewrite.ts';
import type { LoadedDocument } from '../validate/documents.ts';
import type { ValidateRule } from '../validate/rule.ts';
import type { BackendResilience, RouteFallback } from './model-resilience.ts';

/**
 * What routes.yaml means, after it has been read, checked and compiled. Everything here is frozen:
 * a request decides on one table and keeps it to the end, whatever is loaded meanwhile.
 * Runtime state (health, counters, connections) lives elsewhere and refers to these by name.
 */
export interface RouteTable extends FileLimits {
  /** Where it was read from. */
  readonly file: string;
  /** SHA-256 of the file's bytes, hexadecimal: which edit is in force. */
  readonly digest: string;
  readonly loadedAt: Date;
  readonly backends: ReadonlyMap<string, Backend>;
  /** In order of precedence, the most specific first; the file's order plays no part. */
  readonly routes: readonly Route[];
  readonly identity: IdentitySettings | undefined;
  /** Answers carry `x-served-by: <backend>`. Default false. */
  readonly servedBy: boolean;
  /** Requests that the facade takes on at once. Default 10,000. */
  readonly mostRequests: number;
  /** Bytes that kept answers may take. Default 64 MiB. */
  readonly cacheMemory: number;
  /** OpenAPI documents that routes name, by their absolute path. */
  readonly documents: ReadonlyMap<string, LoadedDocument>;
  /** Which requests are logged. */
  readonly accessLog: AccessLog;
  /** Certificates; undefined: the facade does not speak TLS. */
  readonly tls: TlsSettings | undefined;
}

/** A place that answers HTTP: the monolith or an extracted service. */
export interface Backend extends BackendResilience {
  readonly name: string;
  /** Origin, such as http://127.0.0.1:4000; never with a path, query or credentials. Of several `urls` the first. */
  readonly url: string;
  /** Path that answers 2xx while the backend is well; undefined: not asked. */
  readonly health: string | undefined;
  readonly timeouts: Timeouts;
  /** Requests carry the facade's signed identity. Default false. */
  readonly identity: boolean;
  /** Which Host the backend sees: the client's (default), or its own. */
  readonly host: 'preserve' | 'backend';
}

/** Milliseconds. */
export interface Timeouts {
  /** To connect. Default 1 s. */
  readonly connect: number;
  /** From the request's last byte to the answer's head. Default 30 s. */
  readonly request: number;
  /** Between two pieces of an answer's body, or of the request's. Default 60 s. Quiet streams need more. */
  readonly idle: number;
}

/** One rule of routes.yaml. */
export interface Route {
  readonly name: string;
  readonly match: Match;
  /** The data it touches, with other routes and tables that must move together. */
  readonly group: string | undefined;
  /** It changes data: it goes to one backend only, and is never shadowed. */
  readonly writes: boolean;
  /** Who answers. One share of weight 1 where the file names one backend. Sorted by backend name. */
  readonly shares: readonly Share[];
  /** What keeps a client on one side where there are several shares. */
  readonly sticky: Sticky | undefined;
  /** A backend that is asked too, so that its answer can be compared; the client never sees it. */
  readonly compare: Compare | undefined;
  /** What lets a tester choose the backend. */
  readonly force: Force | undefined;
  /** Who answers when the backend fails. */
  readonly fallback: RouteFallback | undefined;
  /** What is changed on the way to the backend and back. */
  readonly rewrite: Rewrite | undefined;
  /** Which pages of other origins may read the answers; undefined: the backend says so itself. */
  readonly cors: Cors | undefined;
  /** Whether answers are kept and used again, or change what others keep. */
  readonly cache: RouteCache | undefined;
  /** What requests are compared with before they are sent on. */
  readonly validate: ValidateRule | undefined;
  /** All of which must let a request through. Undefined: as many as there are. */
  readonly rateLimits: readonly RateLimit[] | undefined;
  /** Whose requests are taken, of those that the file admits. Undefined: all of theirs. */
  readonly addresses: Addresses | undefined;
  /** Bytes of a request's body; undefined: as the file says. */
  readonly mostBody: number | undefined;
  /** Failures on purpose. */
  readonly faults: Faults | undefined;
  /** How the caller is identified, whatever the backend. */
  readonly auth: RouteAuth | undefined;
  /** Where in the file it stands, for messages. */
  readonly at: Position;
}

export interface Share {
  readonly backend: string;
  /** A whole number, at least 0; the probability is weight / sum of weights. */
  readonly weight: number;
}

export type Sticky =
  | { readonly by: 'cookie'; readonly name: string }
  | { readonly by: 'header'; readonly name: string }
  | { readonly by: 'address' };

/** What a request must look like; every part given must hold. */
export interface Match {
  /** Lower case, without port; `*.example.org` matches any one or more labels before. Undefined: any. */
  readonly host: string | undefined;
  readonly path: PathPattern;
  /** Upper case; undefined: any method. GET covers HEAD, and every method covers its CORS preflight. */
  readonly methods: readonly string[] | undefined;
  /** Header (lower case), query and cookie names with the value they must have. */
  readonly headers: readonly NamedValue[];
  readonly query: readonly NamedValue[];
  readonly cookies: readonly NamedValue[];
}

export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

export type PathPattern =
  | {
      /** `/api/users/:id` is exact with a parameter; `/api/*` is a prefix of whole path elements. */
      readonly kind: 'elements';
      readonly source: string;
      readonly elements: readonly PathElement[];
      readonly prefix: boolean;
      readonly caseSensitive: boolean;
      /** An exact path that also takes one slash more at its end. */
      readonly anyEnd: boolean;
    }
  | {
      readonly kind: 'regex';
      /** Anchored at both ends, in RE2 syntax, so that it cannot blow up. */
      readonly source: string;
      readonly test: (path: string) => boolean;
    };

export type PathElement =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string };

/** What signs identities for services. */
export type IdentitySigning =
  /** The absolute path of a file with private keys; their public halves are published. */
  | { readonly by: 'keys'; readonly file: string }
  /** At least 32 characters, shared with the services: HS256. From the environment only. */
  | { readonly by: 'secret'; readonly secret: string };

/** How callers are identified, and what signs the answer for services. */
export interface IdentitySettings {
  /** Undefined where no backend asks for identities. */
  readonly signing: IdentitySigning | undefined;
  /** How `auth: jwt` verifies bearer tokens. */
  readonly jwt: JwtSettings | undefined;
  /** How `auth: session` finds out who a session belongs to. */
  readonly session:
    | {
        /** Name of the legacy session cookie; without it a caller is anonymous and nobody is asked. */
        readonly cookie: string;
        readonly backend: string;
        /** An endpoint of that backend which answers 200 with the user as JSON, or 401. */
        readonly path: string;
        /** Milliseconds for which one answer may be used again. Default 5 s, 0 asks every time. */
        readonly cache: number;
      }
    | undefined;
}

/** 1-based, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}
