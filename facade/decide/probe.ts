import type { DecisionRequest } from './request.ts';

/** What predicates ask of a request. Parts that few routes look at are read when the first one does. */
export class Probe {
  readonly method: string;
  /** The method whose routes this one follows where none lists it: GET for HEAD, the asked one for a preflight. */
  readonly follows: string | undefined;
  readonly elements: readonly string[];
  readonly path: string;
  /** Lower case, without port; empty where the request has none. */
  readonly host: string;
  readonly clientAddress: string;
  readonly #request: DecisionRequest;
  #query: URLSearchParams | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;

  constructor(request: DecisionRequest) {
    this.#request = request;
    this.method = request.method;
    this.follows = followedMethod(request);
    this.elements = request.target.elements;
    this.path = request.target.matchPath;
    // An absolute target takes the place of the Host header (RFC 9112, 3.2.2).
    this.host = hostName(request.target.authority ?? request.headers.host ?? '');
    this.clientAddress = request.clientAddress;
  }

  /** Several lines of one header are joined by a comma. */
  header(name: string): string | undefined {
    const value: unknown = this.#request.headers[name];
    if (typeof value === 'string') return value;
    return Array.isArray(value) ? value.join(',') : undefined;
  }

  /** The first of that name, decoded, `+` as space. */
  query(name: string): string | undefined {
    // A leading `&` keeps URLSearchParams from dropping a `?` that belongs to the first name.
    this.#query ??= new URLSearchParams(`&${this.#request.target.query ?? ''}`);
    return this.#query.get(name) ?? undefined;
  }

  /** The first of that name, without the quotes around it, not decoded. */
  cookie(name: string): string | undefined {
    this.#cookies ??= readCookies(this.#request.headers.cookie ?? '');
    return this.#cookies.get(name);
  }
}

/** Whether this is a CORS preflight, and so asks about another method. */
export function isPreflight(request: DecisionRequest): boolean {
  return request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined;
}

function followedMethod(request: DecisionRequest): string | undefined {
  if (request.method === 'HEAD') return 'GET';
  if (!isPreflight(request)) return undefined;
  return request.headers['access-control-request-method'];
}

function hostName(authority: string): string {
  const port = /:[0-9]*$/.exec(authority);
  const name = port === null ? authority : authority.slice(0, port.index);
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}

function readCookies(header: string): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const name = pair.slice(0, equals).trim();
    const value = pair.slice(equals + 1).trim();
    const quoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
    if (!cookies.has(name)) cookies.set(name, quoted ? value.slice(1, -1) : value);
  }
  return cookies;
}
