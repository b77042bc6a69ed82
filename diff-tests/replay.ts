import type { Difference } from '@strangler-fig/kernel/json-diff';
import { type Answer, compareAnswers } from './compare.ts';
import type { Corpus, CorpusRequest } from './corpus.ts';

/** One of the two sides: takes a request with its caller's cookie and gives the answer. */
export type Side = (request: CorpusRequest, cookie: string | undefined) => Promise<Answer>;

/** How the two sides answered one request. */
export interface Pair {
  readonly request: CorpusRequest;
  readonly left: Answer;
  readonly right: Answer;
  /** Empty where a client cannot tell the sides apart. */
  readonly differences: readonly Difference[];
}

/**
 * Puts a corpus's requests to both sides, one after the other, and compares the answers.
 * @param cookies the session of each user that the corpus names.
 */
export async function* replay(
  corpus: Corpus,
  cookies: Readonly<Record<string, string>>,
  left: Side,
  right: Side,
): AsyncGenerator<Pair> {
  for (const request of corpus.requests) {
    const cookie = request.as === undefined ? undefined : cookies[request.as];
    const [first, second] = await Promise.all([left(request, cookie), right(request, cookie)]);
    const differences = compareAnswers(first, second, request.tolerate);
    yield { request, left: first, right: second, differences };
  }
}
