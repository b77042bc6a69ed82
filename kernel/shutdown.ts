import { Failure } from './failure.ts';

/**
 * Ends the process in good order on SIGTERM, SIGINT, or when the process that started it is gone.
 * `stop` is called once; the exit code is 0 when it is done, 1 when it fails or takes longer than `deadline`.
 * @param deadline milliseconds, default 10,000.
 */
export function shutDownOnSignal(stop: () => Promise<void>, deadline = 10_000): void {
  let stopping = false;
  const shutDown = () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), deadline).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', shutDown);
  process.on('SIGINT', shutDown);
  // A launcher that was killed cannot send a signal; its end of the channel closes all the same.
  if (process.send !== undefined) process.on('disconnect', shutDown);
}

/**
 * Tells the process that started this one (if it listens) that requests can come, and on which port.
 * @param more further ports, by name.
 */
export function reportReady(port: number, more: Record<string, number> = {}): void {
  process.send?.({ type: 'ready', port, ...more });
}

/** Runs a process's main function; a Failure ends it with one line and its exit code. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.line);
    process.exit(error.exitCode);
  }
}
