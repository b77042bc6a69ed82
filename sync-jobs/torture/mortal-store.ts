import type { Store } from '../stores/store.ts';
import type { Random } from './random.ts';

/** A store whose process may end, as by kill -9, around a writing transaction: before, at its end, or just after it. */
export function mortal(store: Store, probability: number, random: Random): Store {
  return {
    dialect: store.dialect,
    place: store.place,
    shape: (table) => store.shape(table),
    snapshot: (work) => store.snapshot(work),
    changed: (within, signal) => store.changed(within, signal),
    close: () => store.close(),
    async transaction(work, options) {
      const fate = random.chance(probability) ? random.pick(['before', 'uncommitted', 'committed']) : 'none';
      if (fate === 'before') await die();
      const result = await store.transaction(async (writer) => {
        const made = await work(writer);
        if (fate === 'uncommitted') await die();
        return made;
      }, options);
      if (fate === 'committed') await die();
      return result;
    },
  };
}

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
