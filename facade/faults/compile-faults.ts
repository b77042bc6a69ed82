import { durationInMilliseconds } from '../routes/duration.ts';
import type { PlacedRoute } from '../routes/entries.ts';
import type { Report } from '../routes/report.ts';
import type { Faults } from './fault.ts';
import type { FaultsEntry } from './schema.ts';

export function compileFaults({ delay, abort, percent }: FaultsEntry): Faults {
  return Object.freeze({
    delay: delay === undefined ? 0 : durationInMilliseconds(delay),
    abort,
    share: (percent ?? 100) / 100,
  });
}

/** A rehearsal's faults must not reach production with the file they stand in, unless that says so. */
export function checkFaults(routes: readonly PlacedRoute[], allowed: unknown, report: Report): void {
  for (const { route, path } of routes) {
    if (route.faults === undefined) continue;
    const at = report.source.keyAt([...path, 'faults']);
    if (allowed === true) {
      report.warning('faults_active', at, `Requests of route "${route.name}" fail on purpose.`);
      continue;
    }
    report.problem(
      'faults_not_allowed',
      at,
      `Route "${route.name}" has faults, and nothing allows them.`,
      'Remove them; for a rehearsal add "allowFaults: true" at the top level.',
    );
  }
}
