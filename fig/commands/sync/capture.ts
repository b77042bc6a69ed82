import type { Command } from 'commander';
import type { CapturePlan, DatabasePlan } from './installing.ts';
import { counted, line, styled } from './text.ts';

interface CaptureOptions {
  readonly apply?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

/** `fig sync install` and `fig sync uninstall`: the triggers and tables that capture changes. */
export function registerCapture(sync: Command): void {
  sync
    .command('install')
    .summary('log changes: show the SQL, or run it')
    .description(
      "Shows the SQL that makes the legacy database and each group's store log their changes, and what of that is not as it was installed. Changes nothing without --apply. Asks the databases of LEGACY_DATABASE_URL, INVENTORY_DATABASE_URL and so on, and the groups of SYNC_GROUPS_DIR, as sync-jobs does.",
    )
    .argument('[group...]', 'only these groups')
    .option('--apply', 'run it, in one transaction for each database')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 done or shown, 1 tables are missing or a database failed, 2 a declaration is refused.

Examples:
  fig sync install
  fig sync install booking --apply`,
    )
    .action(async (names: string[], options: CaptureOptions) => {
      // Loaded here: the other commands need no database driver.
      const { installing } = await import('./installing.ts');
      const plan = await installing(names, options.apply === true);
      show(plan, options, 'install', 'Capture is installed; there is nothing to do.');
      if (plan.waiting.length > 0) process.exitCode = 1;
    });
  sync
    .command('uninstall')
    .summary('remove everything that was installed: show the SQL, or run it')
    .description(
      "Shows the SQL that removes every trigger, function and table whose name begins with strangler_ from the legacy database and from all groups' stores: the logs, how far the feeds are, who owns what, and the audit. Changes nothing without --apply. Stop sync-jobs first. After it has been installed again, every group is copied anew.",
    )
    .option('--apply', 'run it, in one transaction for each database')
    .option('--force', 'also while sync-jobs works on a group')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 done or shown, 1 a database failed, 2 configuration, 3 a service owns a group or sync-jobs runs.`,
    )
    .action(async (options: CaptureOptions) => {
      const { uninstalling } = await import('./installing.ts');
      const plan = await uninstalling(options.apply === true, options.force === true);
      show(plan, options, 'uninstall', 'Nothing is installed; there is nothing to do.');
      if (options.json || nothing(plan)) return;
      line('Feeds have to copy everything anew afterwards.');
      if (!plan.applied) line('Stop sync-jobs first.');
      for (const { message, hint } of plan.refusals) {
        const text = `--apply would be refused now: ${message} ${hint}`;
        process.stderr.write(`${styled('yellow', text, process.stderr)}\n`);
      }
    });
}

function nothing({ databases }: CapturePlan): boolean {
  return databases.every(({ statements, drift }) => statements.length === 0 && drift.length === 0);
}

function show(plan: CapturePlan, { json }: CaptureOptions, command: string, done: string): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(plan, undefined, 2)}\n`);
    return;
  }
  for (const { group, message } of plan.waiting) {
    process.stderr.write(`${styled('yellow', `${group} is left out: ${message}`, process.stderr)}\n`);
  }
  if (plan.databases.length > 0) line(nothing(plan) ? done : asText(plan, command));
}

function asText({ databases, applied }: CapturePlan, command: string): string {
  const after = applied ? [] : [`Nothing was changed. Run \`fig sync ${command} --apply\` to run this.`];
  return [...databases.map((database) => databaseText(database, applied)), ...after].join('\n\n');
}

/** As SQL that can be run, what is no SQL in comments. */
function databaseText({ place, side, groups, statements, drift }: DatabasePlan, applied: boolean): string {
  const run = applied
    ? [`-- ${counted(statements.length, 'statement')} run`]
    : statements.map((statement) => `${statement};`);
  return [
    styled('bold', `-- ${place} (${side}: ${groups.join(', ')})`),
    ...drift.map(({ table, what }) => styled('yellow', `-- not as installed: ${table}: ${what}`)),
    ...(statements.length === 0 ? ['-- nothing to do'] : run),
  ].join('\n');
}
