import type { OutgoingMessage } from 'node:http';

const nothing = Buffer.alloc(0);

/**
 * Sends the head of a message whose body may be long in coming. `flushHeaders` of node:http would write it as UTF-8,
 * where each byte stands for itself. A message that has no body is sent when it ends.
 */
export function flushHead(message: OutgoingMessage): void {
  message.write(nothing);
}
