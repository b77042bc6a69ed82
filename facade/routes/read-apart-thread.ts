import { parentPort, workerData } from 'node:worker_threads';
import { checkSource, decode } from './check-content.ts';
import { RoutesInvalid } from './problem.ts';
import type { Reading, Task } from './read-apart.ts';
import { atOnce } from './slices.ts';
import type { Source } from './source.ts';
import { readWhole } from './whole-source.ts';

// The thread of read-apart.ts.

parentPort?.postMessage(read(workerData as Task));

function read({ content, file, env, secrets }: Task): Reading {
  const bytes = Buffer.from(content);
  try {
    const source = readWhole(decode(bytes, file), env);
    const { table } = atOnce(checkSource(source, bytes, file, { secrets }));
    const { value, substituted, unresolved } = source;
    const routes = table.routes.map((_, index) => source.valueAt(['routes', index]));
    return { value, substituted, unresolved, routes, texts: textsOf(source) };
  } catch (error) {
    if (error instanceof RoutesInvalid) return { problems: error.problems, documents: error.documents };
    throw error;
  }
}

/** Of the values outside of the routes: what they say before variables are replaced is asked for secrets alone. */
function textsOf(source: Source): Map<string, string | undefined> {
  const texts = new Map<string, string | undefined>();
  for (const key of source.substituted) {
    const path = key.split('\0');
    if (path[0] !== 'routes') texts.set(key, source.textAt(path));
  }
  return texts;
}
