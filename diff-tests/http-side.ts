import type { Agent } from 'undici';
import type { Answer } from './compare.ts';
import { bodyOf } from './corpus.ts';
import type { Side } from './replay.ts';

/**
 * A side that is reached over HTTP, the path sent byte for byte as the corpus has it.
 * @param host the Host header to send, so that both sides build the same absolute URLs.
 */
export function httpSide(origin: string, host: string, agent: Agent): Side {
  return async (request, cookie) => {
    const content = bodyOf(request);
    const answer = await agent.request({
      origin,
      method: request.method as 'GET',
      path: request.path,
      headers: {
        host,
        ...(content?.contentType === undefined ? {} : { 'content-type': content.contentType }),
        ...request.headers,
        ...(cookie === undefined ? {} : { cookie }),
      },
      body: content?.body ?? null,
      headersTimeout: 10_000,
      bodyTimeout: 10_000,
    });
    return {
      status: answer.statusCode,
      headers: answer.headers as Answer['headers'],
      body: await answer.body.text(),
    };
  };
}
