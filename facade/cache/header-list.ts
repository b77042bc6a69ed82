/** Headers by lower-case name, lines of one name joined. */
export type HeaderMap = Record<string, string>;

/** @param headers names and values alternating. */
export function headerMap(headers: readonly string[]): HeaderMap {
  const map: HeaderMap = Object.create(null);
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    const value = headers[index + 1] as string;
    const before = map[name];
    map[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return map;
}

/** Without the headers of some (lower-case) names. */
export function without(headers: readonly string[], drop: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!drop(name.toLowerCase())) kept.push(name, headers[index + 1] as string);
  }
  return kept;
}
