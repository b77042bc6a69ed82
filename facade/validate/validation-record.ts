import { Counter, type Registry } from '@prometheus-io/client';
import type { Logger } from '@strangler-fig/kernel/log';
import type { Finding } from './finding.ts';
import type { ValidationEvents, ValidationResult } from './request-validator.ts';
import type { ValidateRule } from './rule.ts';

/** Milliseconds between two entries about one route, so that a client that is always wrong does not fill the log. */
const pause = 1_000;

/** Counts what came of comparing requests, and logs those that do not fit. */
export class ValidationRecord implements ValidationEvents {
  readonly #log: Logger;
  readonly #results: Counter<'route' | 'result'>;
  readonly #logged = new Map<string, { at: number; left: number }>();

  constructor(log: Logger, registry: Registry) {
    this.#log = log;
    this.#results = new Counter({
      name: 'strangler_validated_requests_total',
      help: 'Requests compared with the OpenAPI document of their route, by route and result: valid, invalid, no_operation (the document has none for it), not_read (its body was too long or too slow, or there were too many at once). All but the valid ones are refused, unless the route says "mode: report".',
      labelNames: ['route', 'result'],
      registers: [registry],
    });
  }

  validated(
    route: string,
    mode: ValidateRule['mode'],
    result: ValidationResult,
    findings: readonly Finding[],
  ): void {
    this.#results.inc({ route, result });
    if (result === 'valid') return;
    const now = performance.now();
    const last = this.#logged.get(route);
    if (last !== undefined && now - last.at < pause) {
      last.left++;
      return;
    }
    this.#logged.set(route, { at: now, left: 0 });
    // Names of members may be of the client's choice, and so may be personal: what must be is enough here.
    const wrong = findings.map((one) => `${one.in}: ${one.message}`);
    const entry = { route, mode, result, wrong: [...new Set(wrong)], unlogged: last?.left ?? 0 };
    this.#log.info(entry, 'a request does not fit its OpenAPI document');
  }
}
