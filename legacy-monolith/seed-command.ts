import { parseArgs } from 'node:util';
import { ConfigurationError, defaultDatabaseUrl, readScale } from './configuration.ts';
import { DatabaseUrlError, openDatabase } from './db/database.ts';
import { seed } from './seed.ts';
import { progressLine } from './seeding/progress.ts';

const help = `Fills TicketNow's database with made-up data, the same for the same scale and base date.

Usage: node legacy-monolith/seed.js [options]

  --scale N               size: 1 is about 500 events, 20,000 users, 100,000 bookings (default 1)
  --base-date YYYY-MM-DD  the day that counts as today (default: today in UTC)
  --force                 delete what the database holds first
  --help                  show this

The database is LEGACY_DATABASE_URL (sqlite:<path> or postgres://…), by default
${defaultDatabaseUrl}.
Everybody's password is ticketnow: admin@example.test, user2@example.test, user3@example.test, …

Examples:
  node legacy-monolith/seed.js --scale 0.02
  node legacy-monolith/seed.js --scale 1 --base-date 2026-11-20 --force
`;

try {
  const options = readArguments();
  if (options === 'help') process.stdout.write(help);
  else await run(options);
} catch (error) {
  const { message, hint } = error as Error & { hint?: string };
  console.error(`seed: ${message.replaceAll('\n', ' ')}${hint === undefined ? '' : `. ${hint}`}`);
  process.exitCode = error instanceof ConfigurationError || error instanceof DatabaseUrlError ? 2 : 1;
}

async function run({
  scale,
  baseDate,
  force,
}: {
  scale: number;
  baseDate: string;
  force: boolean;
}): Promise<void> {
  const db = await openDatabase(process.env.LEGACY_DATABASE_URL || defaultDatabaseUrl);
  try {
    const counts = await seed(db, { scale, baseDate, force, onProgress: progressLine(process.stderr) });
    const summary = Object.entries(counts).map(([table, count]) => `${count} ${table}`);
    console.log(`seeded ${summary.join(', ')} around ${baseDate}`);
  } finally {
    await db.close();
  }
}

function readArguments(): { scale: number; baseDate: string; force: boolean } | 'help' {
  const { values } = parse();
  if (values.help) return 'help';
  const baseDate = values['base-date'] ?? new Date().toISOString().slice(0, 10);
  const date = new Date(`${baseDate}T00:00:00Z`);
  if (
    !/^\d{4}-\d\d-\d\d$/.test(baseDate) ||
    Number.isNaN(date.getTime()) ||
    !date.toISOString().startsWith(baseDate)
  ) {
    throw new ConfigurationError(`--base-date is not a day: ${baseDate}`, 'Write it as 2026-11-20.');
  }
  return { scale: readScale('--scale', values.scale ?? '1'), baseDate, force: values.force ?? false };
}

function parse() {
  try {
    return parseArgs({
      options: {
        scale: { type: 'string' },
        'base-date': { type: 'string' },
        force: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new ConfigurationError((error as Error).message, 'See --help.');
  }
}
