import { styleText } from 'node:util';

type Colour = 'cyan' | 'green' | 'yellow' | 'magenta' | 'blue' | 'white';

const colours: Record<string, Colour> = {
  monolith: 'white',
  inventory: 'green',
  profile: 'magenta',
  booking: 'yellow',
  'sync-jobs': 'blue',
  facade: 'cyan',
};

const levels: Record<number, string> = { 40: 'WARN ', 50: 'ERROR ', 60: 'FATAL ' };
/** Fields that say nothing to a person who reads several processes side by side. */
const dull = new Set([
  'level',
  'time',
  'pid',
  'hostname',
  'name',
  'msg',
  'service',
  'reqId',
  'trace',
  'traceId',
]);

/** One line of one process's output, each line of it marked with the name; JSON logs become readable text. */
export function logLine(name: string, line: string, colour: boolean): string {
  const plain = `${name.padEnd(9)} |`;
  const mark = colour ? styleText(colours[name] ?? 'white', plain, { validateStream: false }) : plain;
  return `${mark} ${readable(line).replaceAll('\n', `\n${mark}   `)}`;
}

function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const fields = Object.entries(entry)
    .filter(([key]) => !dull.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${levels[Number(entry.level)] ?? ''}${[entry.msg, ...fields].filter(Boolean).join(' ')}`;
}
