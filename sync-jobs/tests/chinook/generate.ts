import { readFileSync } from 'node:fs';
import type { TestDatabase } from '../databases.ts';
import { spelled } from './groups.ts';
import { Random } from './random.ts';

type Cell = string | number | null;

/** How many rows of each table. */
const sizes = {
  artists: 90,
  albums: 140,
  tracks: 900,
  playlists: 14,
  employees: 7,
  customers: 60,
  invoices: 420,
};

const syllables = [
  'ba',
  'ru',
  'lo',
  'sin',
  'ter',
  'mi',
  'ka',
  'von',
  'es',
  'qui',
  'ade',
  'jor',
  'pe',
  'zu',
  'ny',
];
/** Texts that databases, drivers and quoting have stumbled over. */
const awkward = [
  '',
  ' ',
  "O'Hara",
  '"q" \\ {a,b}',
  'NULL',
  'Zoë Ærø 👩‍🎤',
  'line\nline\ttab',
  '%_?$1',
  '0012',
  'Ⅻ–—…',
];

/** Chinook's tables, empty. */
export async function createChinook(database: TestDatabase): Promise<void> {
  const file = new URL(`./schema.${database.dialect}.sql`, import.meta.url);
  await database.script(readFileSync(file, 'utf8'));
}

/** A service's tables, empty. */
export async function createService(group: 'billing' | 'playlists', database: TestDatabase): Promise<void> {
  await database.script(readFileSync(new URL(`./${group}.sql`, import.meta.url), 'utf8'));
}

/** Fills Chinook's tables; the same seed gives the same rows in both databases. */
export async function fillChinook(database: TestDatabase, seed: number): Promise<void> {
  const random = new Random(seed);
  const insert = (table: string, columns: string[], rows: Cell[][]) =>
    insertRows(database, table, columns, rows);
  const some = (text: string | null, without = 0.2) => (random.chance(without) ? null : text);
  const place = (): Cell[] => [
    some(textOf(random, 3, 70)),
    some(textOf(random, 2, 40), 0.4),
    some(textOf(random, 1, 40)),
  ];

  await insert(
    'Artist',
    ['ArtistId', 'Name'],
    rowsOf(sizes.artists, (id) => [id, some(textOf(random, 2, 120), 0.03)]),
  );
  await insert(
    'Album',
    ['AlbumId', 'Title', 'ArtistId'],
    rowsOf(sizes.albums, (id) => [id, textOf(random, 4, 160), random.upTo(sizes.artists)]),
  );
  await insert(
    'Genre',
    ['GenreId', 'Name'],
    rowsOf(12, (id) => [id, textOf(random, 1, 120)]),
  );
  await insert(
    'MediaType',
    ['MediaTypeId', 'Name'],
    rowsOf(5, (id) => [id, textOf(random, 3, 120)]),
  );
  await insert(
    'Track',
    [
      'TrackId',
      'Name',
      'AlbumId',
      'MediaTypeId',
      'GenreId',
      'Composer',
      'Milliseconds',
      'Bytes',
      'UnitPrice',
    ],
    rowsOf(sizes.tracks, (id) => [
      id,
      textOf(random, 3, 200),
      random.chance(0.05) ? null : random.upTo(sizes.albums),
      random.upTo(5),
      random.chance(0.05) ? null : random.upTo(12),
      some(textOf(random, 2, 220), 0.3),
      random.upTo(600_000),
      random.chance(0.1) ? null : random.upTo(20_000_000),
      random.of(['0.99', '1.99', '5', '0.5']),
    ]),
  );
  await insert(
    'Employee',
    [
      'EmployeeId',
      'LastName',
      'FirstName',
      'Title',
      'ReportsTo',
      'BirthDate',
      'HireDate',
      'Address',
      'City',
      'State',
      'Email',
    ],
    rowsOf(sizes.employees, (id) => [
      id,
      textOf(random, 1, 20),
      textOf(random, 1, 20),
      some(textOf(random, 2, 30)),
      id === 1 ? null : random.upTo(id - 1),
      some(timeOf(random)),
      timeOf(random),
      ...place(),
      `employee${id}@example.com`,
    ]),
  );
  await insert(
    'Customer',
    ['CustomerId', 'FirstName', 'LastName', 'Company', 'Address', 'City', 'State', 'Email', 'SupportRepId'],
    rowsOf(sizes.customers, (id) => [
      id,
      textOf(random, 1, 40),
      textOf(random, 1, 20),
      some(textOf(random, 2, 80), 0.6),
      ...place(),
      `customer${id}@example.com`,
      random.chance(0.1) ? null : random.upTo(sizes.employees),
    ]),
  );
  const invoices = rowsOf(sizes.invoices, (id) => invoiceRow(id, random));
  await insert('Invoice', invoiceColumns, invoices);
  const lines = invoices.flatMap(([invoice]) =>
    // One invoice in ten has no line.
    rowsOf(random.chance(0.1) ? 0 : random.upTo(5), () => invoice!),
  );
  await insert(
    'InvoiceLine',
    lineColumns,
    lines.map((invoice, index) => lineRow(index + 1, Number(invoice), random)),
  );
  await insert(
    'Playlist',
    ['PlaylistId', 'Name'],
    rowsOf(sizes.playlists, (id) => [id, some(textOf(random, 2, 120), 0.1)]),
  );
  const entries = rowsOf(sizes.playlists, (playlist) =>
    rowsOf(sizes.tracks, (track) => [playlist, track] as Cell[]).filter(() => random.chance(0.12)),
  );
  await insert('PlaylistTrack', ['PlaylistId', 'TrackId'], entries.flat());
}

const invoiceColumns = [
  'InvoiceId',
  'CustomerId',
  'InvoiceDate',
  'BillingAddress',
  'BillingCity',
  'BillingState',
  'BillingCountry',
  'BillingPostalCode',
  'Total',
];
const lineColumns = ['InvoiceLineId', 'InvoiceId', 'TrackId', 'UnitPrice', 'Quantity'];

function invoiceRow(id: number, random: Random): Cell[] {
  const city = random.chance(0.1) ? null : textOf(random, 2, 40);
  return [
    id,
    random.upTo(sizes.customers),
    timeOf(random),
    random.chance(0.1) ? null : textOf(random, 3, 70),
    city,
    random.chance(0.5) ? null : textOf(random, 1, 40),
    textOf(random, 1, 40),
    // Without a city there is no postal code: the service's one column could not tell which of both it holds.
    city === null || random.chance(0.3) ? null : String(random.upTo(99_999)).padStart(5, '0'),
    amountOf(random),
  ];
}

function lineRow(id: number, invoice: number, random: Random): Cell[] {
  return [id, invoice, random.upTo(sizes.tracks), random.of(['0.99', '1.99', '12', '0.1']), random.upTo(9)];
}

/** Inserts an invoice made from the generator's numbers. */
export function insertInvoice(
  database: Pick<TestDatabase, 'query' | 'dialect'>,
  id: number,
  random: Random,
): Promise<void> {
  return insertRows(database, 'Invoice', invoiceColumns, [invoiceRow(id, random)]);
}

/** Inserts lines of an invoice, with ids from one on. */
export function insertLines(
  database: Pick<TestDatabase, 'query' | 'dialect'>,
  invoice: number,
  ids: number[],
  random: Random,
): Promise<void> {
  return insertRows(
    database,
    'InvoiceLine',
    lineColumns,
    ids.map((id) => lineRow(id, invoice, random)),
  );
}

export async function insertRows(
  database: Pick<TestDatabase, 'query' | 'dialect'>,
  table: string,
  columns: string[],
  rows: Cell[][],
): Promise<void> {
  const name = (text: string) => `"${spelled(database.dialect, text)}"`;
  const marks = `(${columns.map(() => '?').join(', ')})`;
  for (let from = 0; from < rows.length; from += 200) {
    const part = rows.slice(from, from + 200);
    await database.query(
      `INSERT INTO ${name(table)} (${columns.map(name).join(', ')}) VALUES ${part.map(() => marks).join(', ')}`,
      ...part.flat(),
    );
  }
}

function rowsOf<T>(count: number, make: (id: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index + 1));
}

/** A text of some words, now and then an awkward one, never longer than its column. */
export function textOf(random: Random, words: number, longest: number): string {
  if (random.chance(0.08)) return random.of(awkward);
  const word = () => Array.from({ length: 1 + random.upTo(3) }, () => random.of(syllables)).join('');
  const text = Array.from({ length: random.upTo(words) }, word).join(' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`.slice(0, longest).trimEnd();
}

/** A time between 1995 and 2030, some with milliseconds. */
export function timeOf(random: Random): string {
  const text = new Date(788_918_400_000 + Math.floor(random.next() * 1_104_537_600) * 1000).toISOString();
  const fraction = random.chance(0.1) ? `.${String(random.upTo(999)).padStart(3, '0')}` : '';
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${fraction}`;
}

function amountOf(random: Random): string {
  if (random.chance(0.05)) return random.of(['0', '0.01', '-3.5', '9999999.99', '1000']);
  return (random.upTo(5_000) / 100).toFixed(2);
}
