import { expect, test } from 'vitest';
import { upstreamFailure } from '../upstream-failure.ts';

test('an expired AbortSignal.timeout is a time-out, though its code is a number', async () => {
  const signal = AbortSignal.timeout(1);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  expect(upstreamFailure(signal.reason).kind).toBe('answer_timeout');
});

test.each([
  [{ code: 'ECONNREFUSED', syscall: 'connect' }, 'unreachable'],
  [{ code: 'ETIMEDOUT', syscall: 'connect' }, 'connect_timeout'],
  [{ code: 'ECONNRESET', syscall: 'read' }, 'reset'],
  [{ code: 'HPE_INVALID_CONSTANT' }, 'bad_answer'],
  [{ code: 'CERT_HAS_EXPIRED' }, 'unreachable'],
  // Nobody may conclude from something unknown that nothing was sent.
  [{ code: 'SOMETHING_NEW' }, 'reset'],
  [{}, 'reset'],
])('%j is %s', (properties, kind) => {
  expect(upstreamFailure(Object.assign(new Error('it failed'), properties)).kind).toBe(kind);
});
