import { identityHeader, mintIdentity } from '../identity.ts';
import { testSecret } from './service-process.ts';

/** Who calls, and what they send. */
export interface CallOptions {
  /** null: without any identity. Default an anonymous visitor through the facade. */
  as?: { issuer?: string; userId?: number; role?: 'customer' | 'admin' } | null;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as a form. */
  form?: Record<string, string>;
  /** Sent as it is; give the content type in headers. */
  body?: string;
}

/** What came back; redirects are not followed. */
export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of any shape.
  json: any;
}

/** A function that calls one service with identities minted for it. */
export function callerOf(service: { url: string }, audience: string) {
  return async (method: string, path: string, options: CallOptions = {}): Promise<Reply> => {
    const headers: Record<string, string> = { ...options.headers };
    if (options.as !== null) {
      headers[identityHeader] ??= await mintIdentity({
        secret: testSecret,
        issuer: 'facade',
        audience,
        ...options.as,
      });
    }
    let body = options.body;
    if (options.json !== undefined) {
      body = JSON.stringify(options.json);
      headers['content-type'] ??= 'application/json';
    }
    if (options.form !== undefined) {
      body = new URLSearchParams(options.form).toString();
      headers['content-type'] ??= 'application/x-www-form-urlencoded';
    }
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
}
