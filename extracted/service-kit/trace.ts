import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

declare module 'fastify' {
  interface FastifyRequest {
    /** W3C traceparent to send along with calls made for this request. The trace id is `request.id`. */
    traceparent: string;
  }
}

const header = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** The trace id of an incoming request: from its `traceparent` when that is valid, else a new one. 32 hex digits. */
export function traceId(request: IncomingMessage): string {
  const match = header.exec(String(request.headers.traceparent ?? ''));
  return match?.[1] ?? randomBytes(16).toString('hex');
}

/** A `traceparent` for calls that belong to a trace: a span id of this service's own, the sender's flags kept. */
export function childTraceparent(trace: string, received?: string): string {
  const flags = header.exec(received ?? '')?.[2] ?? '01';
  return `00-${trace}-${randomBytes(8).toString('hex')}-${flags}`;
}

/** A `traceparent` for work that no request started, such as a sweep. */
export function newTraceparent(): string {
  return childTraceparent(randomBytes(16).toString('hex'));
}
