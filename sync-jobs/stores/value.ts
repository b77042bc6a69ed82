/**
 * A database value as both dialects give it: whole numbers of any size as bigint, booleans as 0n or 1n,
 * times, dates and exact decimals as the text the database shows, blobs as bytes.
 */
export type Value = bigint | number | string | Uint8Array | null;

/** Values in the order of the columns that were asked for. */
export type Row = Value[];

/**
 * Whether two stores mean the same by two values. What one database keeps as 12.30 and another as 12.3 is one
 * decimal; NULL and the empty string are two values, and so are 1 and "1".
 * @param decimal the column of either side holds exact decimals, which one database shows as text and another as number.
 */
export function sameValue(left: Value, right: Value, decimal = false): boolean {
  // NaN is no other value than NaN, whatever JavaScript says.
  if (left === right || Object.is(left, right)) return true;
  if (left === null || right === null) return false;
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0;
  }
  if (typeof left !== 'string' && typeof right !== 'string') {
    // SQLite gives back a real that holds a whole number as such where the column's affinity allows it.
    return typeof left !== typeof right && Number(left) === Number(right) && BigInt(left) === BigInt(right);
  }
  return decimal && canonicalDecimal(String(left)) === canonicalDecimal(String(right));
}

/** A decimal without what does not change it: +1.50 is 1.5. What is no decimal stays as it is. */
function canonicalDecimal(text: string): string {
  const parts = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null || text === '') return text;
  const [, sign, whole, fraction = '', exponent] = parts;
  if (exponent !== undefined) {
    // Neither database has decimals so far from 1; writing one out would only cost memory.
    if (Math.abs(Number(exponent)) > 400) return text;
    return canonicalDecimal(shifted(whole ?? '', fraction, Number(exponent), sign));
  }
  const digits = `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`;
  return sign === '-' && digits !== '0' ? `-${digits}` : digits;
}

function shifted(whole: string, fraction: string, by: number, sign: string | undefined): string {
  const digits = whole + fraction;
  const point = whole.length + by;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.slice(0, point).padEnd(point, '0')}.${digits.slice(point)}`;
}

/**
 * Orders keys as both databases are asked to: whole numbers by value, text by its bytes in UTF-8. What SQLite keeps in a
 * column of another type comes as there: numbers, then text, then blobs.
 */
export function compareKeys(left: Row, right: Row): number {
  for (let index = 0; index < left.length; index++) {
    const order = compareValues(left[index]!, right[index]!);
    if (order !== 0) return order;
  }
  return 0;
}

function compareValues(left: Value, right: Value): number {
  if (left === right) return 0;
  if (typeof left === 'string' && typeof right === 'string') {
    return Buffer.compare(Buffer.from(left), Buffer.from(right));
  }
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right);
  const [first, second] = [rank(left), rank(right)];
  if (first !== second) return first - second;
  return left! < right! ? -1 : left! > right! ? 1 : 0;
}

function rank(value: Value): number {
  if (value === null) return 0;
  return typeof value === 'string' ? 2 : value instanceof Uint8Array ? 3 : 1;
}

/** A key as text that no other key has; for maps. */
export function keyText(key: Row): string {
  if (key.length === 1) return typeof key[0] === 'string' ? `s${key[0]}` : `n${String(key[0])}`;
  return JSON.stringify(key.map((value) => (typeof value === 'bigint' ? { n: String(value) } : value)));
}

/** A key for people: 42, or "ALFKI", 7. */
export function shownKey(key: Row): string {
  return key.map(shownValue).join(', ');
}

/** A value for people, cut where it is long. */
export function shownValue(value: Value | undefined): string {
  if (value instanceof Uint8Array) return `a blob of ${value.length} bytes`;
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? JSON.stringify(value) : value === null ? 'NULL' : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Rows as JSON and back, without loss: for cursors and kept keys. */
export function encodeRow(row: Row): string {
  return JSON.stringify(
    row.map((value) => {
      if (typeof value === 'bigint') return { n: String(value) };
      if (value instanceof Uint8Array) return { x: Buffer.from(value).toString('hex') };
      // JSON has no infinity and no NaN.
      if (typeof value === 'number' && !Number.isFinite(value)) return { r: String(value) };
      return value;
    }),
  );
}

/** What JSON has no form for: a whole number of any size, a blob, a real that is not finite. */
type Encoded = { n: string } | { x: string } | { r: string };

export function decodeRow(text: string): Row {
  return (JSON.parse(text) as (string | number | null | Encoded)[]).map((value) => {
    if (typeof value !== 'object' || value === null) return value;
    if ('r' in value) return Number(value.r);
    return 'n' in value ? BigInt(value.n) : Buffer.from(value.x, 'hex');
  });
}
