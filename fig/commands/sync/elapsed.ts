import { duration } from './text.ts';

/** Shows on a terminal for how long something has been waited for; gone when it is done. */
export async function withElapsed<T>(what: string, work: Promise<T>): Promise<T> {
  const { stderr, env } = process;
  if (!stderr.isTTY || env.CI || env.TERM === 'dumb') return work;
  const began = performance.now();
  const draw = () => stderr.write(`\r\x1b[K${what}: ${duration((performance.now() - began) / 1000)}`);
  const timer = setInterval(draw, 1000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    stderr.write('\r\x1b[K');
  }
}
