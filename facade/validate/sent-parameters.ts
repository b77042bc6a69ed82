import type { IncomingMessage } from 'node:http';
import { type Finding, finding } from './finding.ts';
import { type Parameter, wrongWith } from './parameter.ts';

/** Findings that one answer names. */
export const mostFindings = 20;

/**
 * What is wrong with the parameters of a request.
 * @param path elements of the path that are parameters, as they were sent.
 * @param query what follows the `?`.
 */
export function wrongParameters(
  parameters: readonly Parameter[],
  { headers }: IncomingMessage,
  path: ReadonlyMap<string, string>,
  query: string,
): Finding[] {
  const findings: Finding[] = [];
  let pairs: ReadonlyMap<string, string[]> | undefined;
  let cookies: ReadonlyMap<string, string[]> | undefined;
  for (const parameter of parameters) {
    const { place, name } = parameter;
    let texts: readonly string[] | undefined;
    if (place === 'query') {
      pairs ??= pairsIn(query, '&');
      texts = pairs.get(name)?.map((text) => decodedText(text.replaceAll('+', ' ')));
      if (parameter.read !== undefined && hasBrackets(pairs, name)) {
        findings.push(finding('query', `/${name}`, 'must be written without brackets'));
        continue;
      }
    } else if (place === 'cookie') {
      cookies ??= pairsIn(headers.cookie ?? '', ';');
      texts = cookies.get(name);
    } else if (place === 'header') {
      const value = headers[name];
      texts = value === undefined ? undefined : [Array.isArray(value) ? value.join(',') : value];
    } else {
      // Where the route names its operation, the path need not be the one of the document.
      const raw = path.get(name);
      if (raw === undefined) continue;
      texts = [decodedText(raw)];
    }
    const wrong = wrongWith(parameter, texts);
    if (wrong !== undefined) findings.push(wrong);
    if (findings.length >= mostFindings) break;
  }
  return findings;
}

/** Express reads `limit[]=x` and `limit[a]=x` as other values of `limit` than those that were compared. */
function hasBrackets(pairs: ReadonlyMap<string, string[]>, name: string): boolean {
  for (const sent of pairs.keys()) if (sent.length > name.length && sent.startsWith(`${name}[`)) return true;
  return false;
}

/** Values as they were sent, by decoded name. */
function pairsIn(text: string, separator: '&' | ';'): ReadonlyMap<string, string[]> {
  const pairs = new Map<string, string[]>();
  for (const pair of text.split(separator)) {
    const equals = pair.indexOf('=');
    const rawName = (equals === -1 ? pair : pair.slice(0, equals)).trim();
    if (rawName === '') continue;
    const name = separator === '&' ? decodedText(rawName.replaceAll('+', ' ')) : rawName;
    const value = equals === -1 ? '' : pair.slice(equals + 1);
    const before = pairs.get(name);
    if (before === undefined) pairs.set(name, [separator === ';' ? value.trim() : value]);
    else before.push(separator === ';' ? value.trim() : value);
  }
  return pairs;
}

function decodedText(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** For requests that no operation is found for. */
export const noOperation = finding('request', '', 'must be one of the operations of the document');
