import type { Finding } from './report.ts';

/** A finding as a plain sentence that tells the row, the value, what became of it and how often. */
export function sentenceOf(finding: Omit<Finding, 'sentence'>): string {
  const { kind, direction, table, field, count, key, value, result, values } = finding;
  const [from, to] = table.split(' -> ') as [string, string];
  const [source, target] = direction === 'forward' ? [from, to] : [to, from];
  const row = `row ${key} of ${source}`;
  const others = count === 1 ? 'It is the only one.' : `So do ${(count - 1).toLocaleString('en')} more.`;
  const also = count === 1 ? 'No other row does.' : `${count.toLocaleString('en')} rows do.`;
  switch (kind) {
    case 'unmappable':
      return `${field} cannot map ${value} in ${row}: ${result}. ${one(count)}`;
    case 'unlisted':
      return `${field} does not list ${list(values)}; the first is in ${row}.`;
    case 'separator':
      return `${field} cannot join ${value} in ${row}: ${result}. ${one(count)}`;
    case 'not-restored':
      return `${field} does not bring back ${value} of ${row}: it comes back as ${result}. ${one(count)}`;
    case 'time-cut':
      return `${field} cuts the time ${value} of ${row}: ${result}. ${one(count)}`;
    case 'null':
      return `${row} has NULL for ${field}, and ${result}. ${also}`;
    case 'nul-text':
      return `${row} has a text with U+0000 for ${field}, ${value}: ${result}. ${one(count)}`;
    case 'too-long':
    case 'out-of-range':
    case 'rounded':
    case 'wrong-type':
      return `${target} does not hold ${value} of ${row} for ${field}: ${result}. ${one(count)}`;
    case 'constraint':
      return `${target} refuses ${value} of ${row} for ${field}: ${result}. ${one(count)}`;
    case 'duplicate':
      return `${row} has the same ${field} as row ${result}, ${value}, and ${target} allows it once. ${others}`;
    case 'orphan':
      return `${row} refers by ${field} to ${value}, and ${result}. ${others}`;
    case 'declared-loss':
      return `${field} does not bring back ${list(values)}, as its declaration says; the first is in ${row}.`;
  }
}

function one(count: number): string {
  return count === 1 ? 'It is the only row.' : `It is one of ${count.toLocaleString('en')} rows.`;
}

function list(values: Finding['values']): string {
  return (values ?? []).map(({ value, count }) => `${value} (${count.toLocaleString('en')})`).join(', ');
}
