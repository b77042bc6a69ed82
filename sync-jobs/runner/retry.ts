/** How long to wait after the given number of attempts that failed in a row, in milliseconds. */
export function retryDelay(code: string, failures: number): number {
  // A table that is about to be made is waited for closely: at start-up everybody waits for us.
  if (code === 'tables_missing') return Math.min(1_000, 100 * 2 ** (failures - 1));
  const longest = code === 'declaration_refused' ? 5_000 : 30_000;
  // Jitter keeps several groups from finding a returned database at the same moment.
  return Math.min(longest, 500 * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
}
