import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Command } from 'commander';
import { line } from './text.ts';

interface InitOptions {
  readonly group: string;
  readonly fromTables: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** `fig sync init`: a first declaration of a group, to be read and corrected. */
export function registerInit(sync: Command): void {
  sync
    .command('init')
    .summary("draft a group's declaration from the tables that are there")
    .description(
      "Guesses from the names, types and rows of both databases how a group's tables map, and prints the file that says so, with what a person should look at in comments. Reads only.",
    )
    .requiredOption('--group <name>', "the group's name; its store is that of <NAME>_DATABASE_URL")
    .requiredOption(
      '--from-tables <list>',
      'the legacy tables, as in users,orders or users:people,orders where the service calls one otherwise',
    )
    .option('--out <file>', 'write it to a file, which must not be there yet')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 usage or the file is there already.

Example:
  fig sync init --group booking --from-tables bookings --out sync-jobs/groups/booking.ts`,
    )
    .action(init);
}

async function init({ group, fromTables, out, json }: InitOptions): Promise<void> {
  const file = out === undefined ? undefined : path.resolve(out);
  if (file !== undefined && existsSync(file)) throw taken(file);
  const tables = fromTables.split(',').map((table) => table.trim());
  // Loaded here: the other commands need no database driver.
  const { drafting } = await import('./drafting.ts');
  const { text, declaration, faults, notes } = await drafting(group, tables, file);
  if (file !== undefined) await write(file, text);
  if (json) line(JSON.stringify({ file: file ?? null, text, declaration, faults, notes }, undefined, 2));
  else if (file === undefined) process.stdout.write(text);
  else line(`${file} is written; read its comments, then run \`fig sync check ${group}\`.`);
}

/** `wx`: what somebody wrote there meanwhile stays. */
async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    if (code === 'EEXIST') throw taken(file);
    throw new Failure('file_unwritable', `${file} cannot be written: ${code}.`, { cause });
  }
}

function taken(file: string): Failure {
  return new Failure('file_exists', `${file} is there already; nothing was written.`, {
    hint: 'Give --out another name.',
    exitCode: 2,
  });
}
