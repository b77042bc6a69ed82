import type { Problem } from '@strangler-fig/kernel/problem';
import type { Checked } from './checked.ts';

/** An answer that the facade gives itself, in place of a backend. */
export type OwnAnswer =
  | { readonly problem: Problem; readonly headers?: Readonly<Record<string, string>> | undefined }
  | { readonly status: number; readonly headers: Readonly<Record<string, string>> };

/**
 * One thing that stands between a request and its backend where its route asks for it: a list of addresses, a limit,
 * a check of what is sent. Undefined lets the request pass; the next gate is asked. A gate may add to
 * `checked.answerHeaders` what the client is to be told in any case. It must not throw.
 */
export type Gate = (checked: Checked) => OwnAnswer | undefined | Promise<OwnAnswer | undefined>;

/** The answer of the first gate that does not let a request pass. */
export async function stoppedAt(gates: readonly Gate[], checked: Checked): Promise<OwnAnswer | undefined> {
  for (const gate of gates) {
    const said = gate(checked);
    const answer = said instanceof Promise ? await said : said;
    if (answer !== undefined) return answer;
  }
  return undefined;
}
