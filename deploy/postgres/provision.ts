import { Failure } from '@strangler-fig/kernel/failure';
import { runMain } from '@strangler-fig/kernel/shutdown';
import pg from 'pg';

/** The variables that name the stores, each as postgres://role:password@host:port/database. */
const stores = [
  'LEGACY_DATABASE_URL',
  'INVENTORY_DATABASE_URL',
  'PROFILE_DATABASE_URL',
  'BOOKING_DATABASE_URL',
];

// Makes for each store the role and the database that its URL names, or brings the role's password up to date.
// POSTGRES_URL is a superuser's. It may run any number of times.
await runMain(async () => {
  const admin = new pg.Client({
    connectionString: required('POSTGRES_URL'),
    connectionTimeoutMillis: 10_000,
  });
  await admin.connect();
  try {
    for (const variable of stores) {
      const { role, password, database } = storeIn(variable);
      await provision(admin, role, password, database);
      console.log(`database ${database} is ready for role ${role}`);
    }
  } finally {
    await admin.end();
  }
});

async function provision(admin: pg.Client, role: string, password: string, database: string): Promise<void> {
  const name = pg.escapeIdentifier(role);
  const known = await admin.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
  const verb = known.rowCount === 0 ? 'CREATE' : 'ALTER';
  await admin.query(`${verb} ROLE ${name} LOGIN PASSWORD ${pg.escapeLiteral(password)}`);
  const existing = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
  if (existing.rowCount === 0)
    await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} OWNER ${name}`);
  // Otherwise every role could connect to every database.
  await admin.query(`REVOKE CONNECT ON DATABASE ${pg.escapeIdentifier(database)} FROM PUBLIC`);
}

function storeIn(variable: string): { role: string; password: string; database: string } {
  const url = new URL(required(variable));
  const [role, password, database] = [url.username, url.password, url.pathname.slice(1)].map(
    decodeURIComponent,
  );
  if (role && password && database) return { role, password, database };
  throw new Failure('store_url_incomplete', `${variable} lacks a role, a password or a database.`, {
    hint: 'It should look like postgres://inventory:password@postgres:5432/inventory.',
    exitCode: 2,
  });
}

function required(variable: string): string {
  const value = process.env[variable];
  if (value !== undefined && value !== '') return value;
  throw new Failure('variable_missing', `${variable} is not set.`, { exitCode: 2 });
}
