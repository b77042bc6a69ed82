import { durationInMilliseconds } from '../routes/duration.ts';
import type { Match } from '../routes/model.ts';
import type { Report } from '../routes/report.ts';
import type { Path } from '../routes/source.ts';
import { type AllowsOrigin, compileOrigins, OriginRefused } from './origins.ts';
import type { CorsEntry } from './schema.ts';

/** What the facade says to browsers about pages of other origins. */
export interface Cors {
  /** Undefined: everybody. */
  readonly allows: AllowsOrigin | undefined;
  /** The value of Access-Control-Allow-Methods. */
  readonly methods: string;
  /** The value of Access-Control-Allow-Headers; undefined: what is asked for. */
  readonly headers: string | undefined;
  readonly expose: string | undefined;
  readonly credentials: boolean;
  /** Seconds; undefined: as the browser likes. */
  readonly maxAge: string | undefined;
}

const usualMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Reports what is wrong with a `cors`, at the top level or of a route; it may be compiled then nevertheless. */
export function checkCors(entry: CorsEntry, at: Path, report: Report): void {
  if (entry.origins === '*') {
    if (entry.credentials !== true) return;
    report.problem(
      'cors_any_with_credentials',
      report.source.valueAt([...at, 'credentials']),
      'Credentials cannot be allowed to every origin: any page could act as whoever visits it.',
      'List the origins, or remove "credentials".',
    );
    return;
  }
  entry.origins.forEach((origin, index) => {
    try {
      compileOrigins([origin]);
    } catch (error) {
      if (!(error instanceof OriginRefused)) throw error;
      const place = report.source.valueAt([...at, 'origins', index]);
      report.problem('bad_origin', place, `${error.message}.`, error.hint);
    }
  });
}

/** Compiles a `cors` for one route; undefined where its origins are wrong, which checkCors reports. */
export function compileCors(entry: CorsEntry, match: Match): Cors | undefined {
  let allows: AllowsOrigin | undefined;
  try {
    allows = entry.origins === '*' ? undefined : compileOrigins(entry.origins);
  } catch (error) {
    if (!(error instanceof OriginRefused)) throw error;
    return undefined;
  }
  return Object.freeze({
    allows,
    methods: (entry.methods ?? methodsOf(match)).join(', '),
    headers: entry.headers?.join(', '),
    expose: entry.expose?.length ? entry.expose.join(', ') : undefined,
    credentials: entry.credentials ?? false,
    maxAge:
      entry.maxAge === undefined
        ? undefined
        : String(Math.floor(durationInMilliseconds(entry.maxAge) / 1000)),
  });
}

function methodsOf({ methods }: Match): readonly string[] {
  if (methods === undefined) return usualMethods;
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods;
}
