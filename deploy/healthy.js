// Exits 0 when a URL answers 2xx within two seconds; the health check of every container.
const answer = await fetch(process.argv[2], { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
