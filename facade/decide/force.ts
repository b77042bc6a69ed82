import type { Route, Share } from '../routes/model.ts';
import type { Report } from '../routes/report.ts';
import type { Path } from '../routes/source.ts';
import type { ForceEntry } from './force-schema.ts';
import type { Probe } from './probe.ts';

/** How a tester chooses the backend that answers. */
export interface Force {
  readonly by: 'header' | 'cookie';
  /** A header's in lower case. */
  readonly name: string;
  /** The backends that may be chosen. */
  readonly backends: readonly string[];
}

/** The backend that a request asks for; undefined where it asks for none, or for one that the route does not have. */
export function forcedBackend({ force }: Route, probe: Probe): string | undefined {
  if (force === undefined) return undefined;
  const asked = force.by === 'header' ? probe.header(force.name) : probe.cookie(force.name);
  return asked !== undefined && force.backends.includes(asked) ? asked : undefined;
}

export function compileForce(
  entry: ForceEntry,
  route: {
    readonly name: string;
    readonly shares: readonly Share[];
    readonly compare: string | undefined;
    /** It writes the data of a group. */
    readonly writesGroup: boolean;
  },
  at: Path,
  report: Report,
): Force {
  const backends = new Set(route.shares.map(({ backend }) => backend));
  if (route.compare !== undefined) backends.add(route.compare);
  const place = () => report.source.keyAt(at);
  if (backends.size < 2) {
    report.warning(
      'force_without_choice',
      place(),
      `Route "${route.name}" has one backend, so "force" does nothing.`,
    );
  } else if (route.writesGroup) {
    report.problem(
      'force_on_writes',
      place(),
      `Route "${route.name}" writes a group's data, and "force" would let anybody send writes to the side that does not own it.`,
      'Force the routes that read.',
    );
  }
  const by = entry.header === undefined ? 'cookie' : 'header';
  const name = entry.header?.toLowerCase() ?? entry.cookie ?? '';
  return Object.freeze({ by, name, backends: Object.freeze([...backends]) });
}
