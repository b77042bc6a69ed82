/**
 * Headers that mean this connection only and never travel on (RFC 9110, 7.6.1), in lower case.
 * `te` is dropped with them: trailers of an answer are passed whether or not they were asked for.
 */
const always = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What a Connection header may not take away, because the message would mean something else without it. */
const essential = new Set(['host', 'content-length', 'content-type', 'content-encoding', 'set-cookie']);

/**
 * Tells which headers of one message end here: the hop-by-hop ones and those that its Connection header names.
 * @param connection the values of its Connection headers, joined by commas; undefined where it has none.
 */
export function hopByHop(connection: string | undefined): (lowerCaseName: string) => boolean {
  if (connection === undefined || /^\s*(keep-alive|close)\s*$/i.test(connection)) return isHopByHop;
  const named = new Set<string>();
  for (const token of connection.split(',')) {
    const name = token.trim().toLowerCase();
    if (!essential.has(name)) named.add(name);
  }
  return (name) => always.has(name) || named.has(name);
}

function isHopByHop(name: string): boolean {
  return always.has(name);
}
