import { Failure } from '@strangler-fig/kernel/failure';

/** A request target (RFC 9112, 3.2) that has been checked. Everything is as received, except where it says otherwise. */
export interface RequestTarget {
  readonly raw: string;
  /** The path without its query, byte for byte: this is what a backend gets. `*` for `OPTIONS *`. */
  readonly path: string;
  /** What follows the first `?`, or undefined without one. */
  readonly query: string | undefined;
  /**
   * The path for matching: percent-encoded unreserved characters are decoded, other escapes have upper-case
   * digits. So `/%61pi` is `/api`, while `%2F` stays and never separates elements. Never forward this.
   */
  readonly matchPath: string;
  /** Elements of `matchPath` between the slashes; an empty one is an element: `/` is ['']. Empty for `*`. */
  readonly elements: readonly string[];
  /** Host and port of an absolute target (`GET http://host/path`); it takes the place of the Host header. */
  readonly authority: string | undefined;
}

export type TargetRefusal =
  | 'target_too_long'
  | 'target_form_not_supported'
  | 'target_illegal_character'
  | 'path_dot_element'
  | 'path_nul'
  | 'path_backslash'
  | 'path_malformed_escape';

/** The target is not one that the facade and every backend are sure to read alike; nothing was forwarded. */
export class TargetRefused extends Failure {
  /** The HTTP status to answer with. */
  readonly status: 400 | 414;

  constructor(code: TargetRefusal, message: string, hint: string) {
    super(code, message, { hint, exitCode: 2 });
    this.name = 'TargetRefused';
    this.status = code === 'target_too_long' ? 414 : 400;
  }
}

/** Bytes; node gives a target as one character a byte. */
export const maxTargetLength = 8192;

const illegal = /[^\x21-\x7e]|#/;
const malformedEscape = /%(?![0-9a-fA-F]{2})/;
const percentEncoded = /%[0-9a-fA-F]{2}/g;
const unreserved = /[A-Za-z0-9._~-]/;
const absolute = /^https?:\/\/([^/?]*)(.*)$/i;
const authorityForm = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]*)?$/;

/**
 * An element that is `.` or `..` to us or to somebody behind us. The dot may be escaped, also overlong as
 * careless decoders accept it; Tomcat and its kind drop `;parameters` before they resolve dots; and a backend
 * that decodes `%2F` or `%5C` before it resolves them would leave the route's path.
 */
const dotElement = /(?:^|\/|%2F|%5C)(?:\.|%2E|%C0%AE|%E0%80%AE){1,2}(?=$|\/|;|%3B|%2F|%5C)/i;

/**
 * Reads a request target as it came over the wire, without changing a byte of it.
 *
 * A raw query may hold what browsers send there (a backslash, a lone `%`); a path may not.
 * @param raw the request line's target, such as `request.url` of node:http.
 * @param method decides only whether `*` is allowed: for OPTIONS.
 * @throws TargetRefused
 */
export function parseTarget(raw: string, method = 'GET'): RequestTarget {
  if (raw.length > maxTargetLength) {
    throw new TargetRefused(
      'target_too_long',
      `The request target has ${raw.length} bytes, more than ${maxTargetLength}.`,
      'Send long parameters in a request body.',
    );
  }
  const bad = illegal.exec(raw);
  if (bad !== null) throw illegalCharacter(bad[0]);
  if (raw.startsWith('/')) return originForm(raw, raw, undefined);
  if (raw === '*' && method === 'OPTIONS') {
    return { raw, path: '*', query: undefined, matchPath: '*', elements: [], authority: undefined };
  }
  const parts = absolute.exec(raw);
  if (parts === null || !authorityForm.test(parts[1] ?? '')) {
    throw new TargetRefused(
      'target_form_not_supported',
      'The request target is not a path.',
      'Start it with `/`, or send http://host/path without a user name. `*` goes with OPTIONS only, host:port not at all.',
    );
  }
  const rest = parts[2] ?? '';
  return originForm(raw, rest.startsWith('/') ? rest : `/${rest}`, parts[1]);
}

function originForm(raw: string, pathAndQuery: string, authority: string | undefined): RequestTarget {
  const mark = pathAndQuery.indexOf('?');
  const path = mark === -1 ? pathAndQuery : pathAndQuery.slice(0, mark);
  const query = mark === -1 ? undefined : pathAndQuery.slice(mark + 1);
  const escaped = path.includes('%');
  if (escaped && malformedEscape.test(path)) {
    throw new TargetRefused(
      'path_malformed_escape',
      'The path has a `%` without two hexadecimal digits after it.',
      'Write a percent sign in a path as %25.',
    );
  }
  if (escaped && path.includes('%00')) {
    throw new TargetRefused('path_nul', 'The path has a NUL character (%00).', 'Leave it out.');
  }
  if (path.includes('\\')) {
    throw new TargetRefused(
      'path_backslash',
      'The path has a backslash.',
      'Use `/`, or %5C where one is meant.',
    );
  }
  if ((escaped || path.includes('.')) && dotElement.test(path)) {
    throw new TargetRefused(
      'path_dot_element',
      'The path has a `.` or `..` element, plain or escaped.',
      'Send the path that it stands for.',
    );
  }
  const matchPath = escaped ? normalizeEscapes(path) : path;
  return { raw, path, query, matchPath, elements: matchPath.slice(1).split('/'), authority };
}

/** Decodes escapes of unreserved characters and writes the others in upper case (RFC 3986, 6.2.2). */
export function normalizeEscapes(path: string): string {
  return path.replace(percentEncoded, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return unreserved.test(character) ? character : triplet.toUpperCase();
  });
}

function illegalCharacter(character: string): TargetRefused {
  if (character === '\0') {
    return new TargetRefused('path_nul', 'The request target has a NUL character.', 'Leave it out.');
  }
  const code = character.charCodeAt(0);
  const name = character === '#' ? '`#`' : `the character 0x${code.toString(16).padStart(2, '0')}`;
  return new TargetRefused(
    'target_illegal_character',
    `The request target has ${name}, which may not stand there unescaped.`,
    `Percent-encode it${code < 0x80 ? ` (%${code.toString(16).toUpperCase().padStart(2, '0')})` : ' as UTF-8'}.`,
  );
}
