import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';

const shipped = readFileSync(path.join(import.meta.dirname, '..', '..', '..', 'routes.yaml'), 'utf8');
const lines = shipped.split('\n').filter((line) => !/^\s*(#|$)/.test(line));

/** What may stand where something else should. */
export const junk = fc.constantFrom(
  ...[
    '[]',
    '{}',
    'null',
    '~',
    '1',
    'true',
    '""',
    '"',
    "'",
    '[',
    '}',
    '- x',
    'x: y',
    '*a',
    '&a b',
    '!!set {a}',
    '? a',
  ],
  ...[
    '\t',
    '%',
    '@',
    '`',
    '|',
    '>',
    '${',
    `\${X}`,
    '$${',
    '__proto__: 1',
    'constructor: {}',
    '<<: *a',
    '\u0000',
    '\ud800',
    '9e999',
  ],
);

type Edit = (line: string) => string[];

const edit = fc.oneof(
  fc.constantFrom<Edit>(
    () => [],
    (line) => [line, line],
    (line) => [` ${line}`],
    (line) => [line.trimStart()],
    (line) => [line.slice(0, line.length / 2)],
  ),
  junk.map<Edit>((value) => (line) => [line.replace(/(: |- |$).*$/, `$1${value}`)]),
);

/** A text of which one to three lines are lost, doubled, indented, cut off, or end in something else. */
export function damaged(text: readonly string[] = lines): fc.Arbitrary<string> {
  const place = fc.nat({ max: text.length - 1 });
  return fc
    .array(fc.tuple(place, edit), { minLength: 1, maxLength: 3 })
    .map((edits) => new Map(edits))
    .map((edits) => text.flatMap((line, index) => edits.get(index)?.(line) ?? [line]).join('\n'));
}
