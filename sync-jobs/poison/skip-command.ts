/** How a row is named where a person has to name it: `users 2`, `parts "b"`. */
export function rowName({ table, key }: { table: string; key: string }): string {
  return `${table} ${key}`;
}

/** The command that leaves a row out, as it may be pasted into a shell. */
export function skipCommand(group: string, row: string): string {
  return `fig sync skip ${group} --row '${row.replaceAll("'", `'\\''`)}'`;
}
