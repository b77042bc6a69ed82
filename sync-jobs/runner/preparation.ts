import { Failure } from '@strangler-fig/kernel/failure';
import type { Logger } from '@strangler-fig/kernel/log';
import { install, planInstall } from '../capture/installation.ts';
import { installDecoding, planDecoding } from '../decoding/installation.ts';
import { readShapes } from '../feed/shapes.ts';
import type { GroupDeclaration } from '../mapping/group.ts';
import { quoted } from '../stores/sql.ts';
import type { Store } from '../stores/store.ts';

/** The two databases of a group, for what is not a feed's work. */
export interface Desk {
  legacy: Store;
  service: Store;
}

/** Sees to it that a group's databases are as its feeds need them. */
export class Preparation {
  /** What of capture is not as it has to be; a line each. */
  drift: string[] = [];
  readonly #group: GroupDeclaration;
  readonly #desk: Desk;
  readonly #installs: boolean;
  readonly #log: Logger;

  constructor(group: GroupDeclaration, desk: Desk, installs: boolean, log: Logger) {
    this.#group = group;
    this.#desk = desk;
    this.#installs = installs;
    this.#log = log;
  }

  /**
   * @throws Failure `tables_missing`, `declaration_refused`, or `capture_missing` where capture has to be installed and
   *   that is left to a person.
   */
  async prepare(): Promise<void> {
    const { legacy, service } = this.#desk;
    await readShapes(this.#group, legacy, service);
    const installing = [
      () => install(legacy, [this.#group], 'legacy'),
      // Also for a group that is not decoded any more: a slot that nobody reads fills the server's disk.
      () => installDecoding(legacy, [this.#group]),
      () => install(service, [this.#group], 'service'),
    ];
    for (const run of this.#installs ? installing : []) {
      const { place, statements } = await run();
      if (statements.length > 0) {
        const fields = { group: this.#group.name, database: place, statements: statements.length };
        this.#log.info(fields, 'capture installed');
      }
    }
    await this.lookForDrift();
  }

  /** Looks whether triggers and tables are as they were when capture was installed. */
  async lookForDrift(): Promise<void> {
    const found: string[] = [];
    const { legacy, service } = this.#desk;
    const plans = [
      await planInstall(legacy, [this.#group], 'legacy'),
      ...(this.#decodes ? [await planDecoding(legacy, [this.#group])] : []),
      await planInstall(service, [this.#group], 'service'),
    ];
    for (const { place, statements, drift } of plans) {
      found.push(...drift.map(({ table, what }) => `${table} in ${place}: ${what}`));
      if (drift.length === 0 && statements.length > 0) throw notCaptured(this.#group.name, place);
    }
    if (found.length > 0 && found.join() !== this.drift.join()) {
      this.#log.error(
        { group: this.#group.name, code: 'capture_drift', drift: found },
        'capture is not as it was installed: changes may go unseen. Run `fig sync install`',
      );
    }
    this.drift = found;
  }

  get #decodes(): boolean {
    return this.#group.capture === 'decoding';
  }

  /** How many rows the first copy has to read. */
  async count(): Promise<number> {
    let total = 0;
    for (const { from } of this.#group.tables) {
      const [row] = await this.#desk.legacy.snapshot((session) =>
        session.query(`SELECT count(*) FROM ${quoted(from)}`),
      );
      total += Number(row?.[0] ?? 0);
    }
    return total;
  }

  /** Once the legacy side owns the group again, what the service had written is no longer the service's. */
  async unmark(): Promise<void> {
    for (const { to, writtenBy } of this.#group.tables) {
      if (writtenBy === undefined) continue;
      const column = quoted(writtenBy);
      await this.#desk.service.transaction(
        (writer) => writer.run(`UPDATE ${quoted(to)} SET ${column} = 'sync' WHERE ${column} <> 'sync'`),
        { origin: this.#group.name },
      );
    }
  }
}

function notCaptured(group: string, place: string): Failure {
  return new Failure('capture_missing', `${group}: the changes of ${place} are not captured.`, {
    hint: 'Run `fig sync install`, which first shows what it would do, or start sync-jobs with SYNC_INSTALL=auto.',
  });
}
