import type { Checked } from '../exchange/checked.ts';
import type { Gate, OwnAnswer } from '../exchange/gate.ts';
import { plainKey, userKey } from './bucket-key.ts';
import type { Buckets, Charge } from './buckets.ts';
import type { RateLimit } from './rate-limit.ts';
import { exhausted, limitHeader, limitItems, policyHeader, retryAfter } from './rate-limit-headers.ts';

/** A gate that lets a request through where all rate limits of its route do. */
export function rateGate(buckets: Buckets, refused: (route: string) => void): Gate {
  const charge = async (checked: Checked, charges: readonly Charge[]): Promise<OwnAnswer | undefined> => {
    const said = buckets.take(charges);
    const verdict = said instanceof Promise ? await said : said;
    const items = limitItems(charges, verdict);
    const told = checked.answerHeaders.find(([name]) => name === limitHeader);
    if (told === undefined || !verdict.admitted) tell(checked, limitHeader, items);
    else told[1] += `, ${items}`;
    if (verdict.admitted) return undefined;
    refused(checked.route.name);
    return tooMany(checked.route.name, charges, verdict.used, retryAfter(charges, verdict));
  };

  const admit = async (checked: Checked, limits: readonly RateLimit[]): Promise<OwnAnswer | undefined> => {
    tell(checked, policyHeader, limits.map(({ policy }) => policy).join(', '));
    // Who the user is may be a question to the application, which must not be asked more often than an address may.
    const plain = limits.filter(({ by }) => by.kind !== 'user');
    if (plain.length > 0) {
      const charges = plain.map((limit) => ({ limit, key: plainKey(limit, checked) }));
      const answer = await charge(checked, charges);
      if (answer !== undefined || plain.length === limits.length) return answer;
    }
    const ofUser = limits.filter(({ by }) => by.kind === 'user');
    return charge(
      checked,
      await Promise.all(ofUser.map(async (limit) => ({ limit, key: await userKey(limit, checked) }))),
    );
  };

  return (checked) => {
    const { rateLimits } = checked.route;
    return rateLimits === undefined ? undefined : admit(checked, rateLimits);
  };
}

function tell({ answerHeaders }: Checked, name: string, value: string): void {
  const before = answerHeaders.findIndex(([own]) => own === name);
  if (before !== -1) answerHeaders.splice(before, 1);
  answerHeaders.push([name, value]);
}

function tooMany(
  route: string,
  charges: readonly Charge[],
  used: readonly number[],
  seconds: number,
): OwnAnswer {
  const policies = exhausted(charges, used).map(({ limit }) => limit.name);
  return {
    problem: {
      // The problem type of the draft, section 5.1.
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      status: 429,
      code: 'rate_limited',
      title: 'Too many requests',
      detail: `More requests than the rate limit lets through. Come again in ${seconds} s.`,
      route,
      'violated-policies': policies,
    },
    headers: { 'retry-after': String(seconds) },
  };
}
