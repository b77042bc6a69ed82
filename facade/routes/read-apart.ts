import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Variables } from './environment.ts';
import type { Position } from './model.ts';
import { type RouteProblem, RoutesInvalid } from './problem.ts';
import { pathKey, type Source } from './source.ts';

/** What the thread is given. */
export interface Task {
  readonly content: Uint8Array;
  readonly file: string;
  readonly env: Variables;
  readonly secrets: 'required' | 'optional';
}

/** What it gives back: what is wrong, or what the file holds where nothing is. */
export type Reading =
  | { readonly problems: readonly RouteProblem[]; readonly documents: readonly string[] }
  | {
      readonly value: unknown;
      readonly substituted: ReadonlySet<string>;
      readonly unresolved: ReadonlySet<string>;
      /** Where each route begins. */
      readonly routes: readonly Position[];
      /** The values with a variable as they stand in the file, by path key. */
      readonly texts: ReadonlyMap<string, string | undefined>;
    };

/**
 * Reads a file as a whole in a thread, so that the event loop goes on: for long files that cannot be read route by
 * route. Places are known of the routes alone, which is enough, since the thread has found nothing to report.
 * @throws RoutesInvalid
 */
export async function readApart(
  content: Buffer,
  file: string,
  { env, secrets }: Pick<Task, 'env' | 'secrets'>,
): Promise<Source> {
  const task: Task = { content, file, env: named(content.toString(), env), secrets };
  const worker = new Worker(new URL('./read-apart-thread.ts', import.meta.url), { workerData: task });
  worker.unref();
  let reading: Reading;
  try {
    [reading] = (await once(worker, 'message')) as [Reading];
  } finally {
    await worker.terminate();
  }
  if ('problems' in reading) {
    throw new RoutesInvalid(file, reading.problems, undefined, reading.documents);
  }
  const { value, substituted, unresolved, routes, texts } = reading;
  const top = { line: 1, column: 1 };
  return {
    value,
    substituted,
    unresolved,
    problems: [],
    valueAt: ([section, index]) => (section === 'routes' && routes[Number(index)]) || top,
    keyAt: () => top,
    textAt: (path) => texts.get(pathKey(path)),
  };
}

/** The variables that a text may name; a thread need not know the others. */
function named(text: string, env: Variables): Variables {
  const names = text.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)/g);
  return Object.fromEntries(Array.from(names, ([, name]) => [name, env[name as string]]));
}
