/**
 * The value of a cookie as it stands in a Cookie header, undecoded; of several with one name the first, as
 * Express's parsers take it. Undefined where there is none.
 */
export function cookieValue(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
