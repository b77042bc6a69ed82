/** What would end a line of a head, or stand for more than one byte. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unsendable = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/;

/**
 * The head of a request to a backend; each character is one byte.
 * @param headers names and values alternating.
 * @param framing further lines, each with its end, that say how the body is sent.
 * @throws Error where a header cannot be sent. Clients' headers can: the server's parser has read them.
 */
export function requestHead(
  method: string,
  path: string,
  headers: readonly string[],
  framing: string,
): string {
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (let index = 0; index < headers.length; index += 2) {
    const value = headers[index + 1] as string;
    if (unsendable.test(value)) throw new Error(`the header ${headers[index]} cannot be sent`);
    head += `${headers[index]}: ${value}\r\n`;
  }
  return `${head}${framing}connection: keep-alive\r\n\r\n`;
}

/** Whether the headers say how long the body is. */
export function hasLength(headers: readonly string[]): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.length === 14 && name.toLowerCase() === 'content-length') return true;
  }
  return false;
}
