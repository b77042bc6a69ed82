import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from, to } from 'pg-copy-streams';
import { storeFailure } from './postgres-failure.ts';
import { quoted } from './sql.ts';

/** One end of a COPY. */
interface End {
  client: pg.PoolClient;
  place: string;
}

/**
 * COPY out of one server and into another, and how many rows that were. Both connections can go on when it fails: what
 * the source still sends is read, and the target is told to forget what it got.
 * @throws Failure of the end that failed first.
 */
export async function copied(
  source: End & { select: string },
  target: End & { table: string; columns: string[] },
): Promise<number> {
  const out = source.client.query(to(`COPY (${source.select}) TO STDOUT`));
  const names = target.columns.map(quoted).join(', ');
  const into = target.client.query(from(`COPY ${quoted(target.table)} (${names}) FROM STDIN`));
  let open = true;
  try {
    await new Promise<void>((resolve, reject) => {
      out.once('error', (error) => {
        open = false;
        reject(storeFailure(error, source.place));
        into.destroy(error);
      });
      into.on('error', (error) => reject(storeFailure(error, target.place)));
      into.once('finish', resolve);
      out.pipe(into);
    });
  } catch (error) {
    out.unpipe(into);
    if (open) await finished(out.resume()).catch(() => {});
    throw error;
  }
  return into.rowCount;
}
