/** An identifier, quoted as both dialects read it. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** Text as a literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** `?` for each: `?, ?, ?`. */
export function marks(count: number): string {
  return Array.from({ length: count }, () => '?').join(', ');
}

/** `?` as PostgreSQL writes them, `$1` and on; those within quotes stay. */
export function numbered(sql: string): string {
  let known = cache.get(sql);
  if (known === undefined) {
    let position = 0;
    known = sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\?/g, (found) =>
      found === '?' ? `$${++position}` : found,
    );
    if (cache.size > 1_000) cache.clear();
    cache.set(sql, known);
  }
  return known;
}

const cache = new Map<string, string>();
