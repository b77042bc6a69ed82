import supertest from 'supertest';
import type { Answer } from '../compare.ts';
import { bodyOf } from '../corpus.ts';
import type { Side } from '../replay.ts';

/** The Host that clients use for both sides, so that both build the same absolute URLs. */
export const publicHost = 'tickets.example.test';

/** A side that supertest asks, exactly as the corpus says: no redirects, no decoding of bodies. */
export function supertestSide(origin: string): Side {
  return async (request, cookie) => {
    const content = bodyOf(request);
    const method = request.method.toLowerCase() as 'get';
    const asked = supertest(origin)[method](request.path).redirects(0).set('host', publicHost).buffer(true);
    if (content?.contentType !== undefined) asked.set('content-type', content.contentType);
    for (const [name, value] of Object.entries(request.headers)) asked.set(name, value);
    if (cookie !== undefined) asked.set('cookie', cookie);
    const answer = await (content === undefined
      ? asked
      : asked.send(asSuperagentSendsIt(content.body, asked)));
    return { status: answer.status, headers: answer.headers, body: answer.text ?? '' } satisfies Answer;
  };
}

/**
 * superagent serialises a buffer that has a content type, and gives a string without one a type of its own: as a
 * string in the one case and a buffer in the other, the body goes out as it is.
 */
function asSuperagentSendsIt(body: string, asked: supertest.Test): string | Buffer {
  return asked.get('content-type') === undefined ? Buffer.from(body) : body;
}

/** Logs in with the form, as browsers do, and gives the session cookie. */
export async function logIn(origin: string, email: string, password: string): Promise<string> {
  const answer = await supertest(origin)
    .post('/login')
    .set('host', publicHost)
    .type('form')
    .redirects(0)
    .send({ email, password });
  const cookie = answer.headers['set-cookie']?.[0]?.split(';', 1)[0];
  if (answer.status !== 302 || cookie === undefined) throw new Error(`log-in of ${email}: ${answer.status}`);
  return cookie;
}
