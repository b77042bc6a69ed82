let waiting: (() => void)[] = [];

/**
 * Runs something when all that has arrived is dealt with, together with what others have put off. Under load many
 * requests arrive at once; to write each as it is ready wakes whoever reads it anew each time, which costs more than
 * the writing. What is written in one go is read in one go. An idle process comes here at once.
 */
export function atTurnEnd(write: () => void): void {
  if (waiting.push(write) === 1) setImmediate(flush);
}

function flush(): void {
  const writes = waiting;
  waiting = [];
  for (const write of writes) write();
}
