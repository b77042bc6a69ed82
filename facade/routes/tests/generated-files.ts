import fc from 'fast-check';

/** Texts of files laid out in the ways that people and programs do, right and odd. */

const plain = fc.constantFrom(
  ...['monolith', '/api/:id', "'/api/*'", '"a b"', 'a # comment', '12', 'a:b', 'a{b', 'x*y'],
  ...[`\${SET}`, `"\${UNSET}"`, `\${ON:-x} and \${SET}`, `\${EMPTY:-y}`, '$${x}', `'\${'`],
  ...['', '~', 'null', 'true', '0x1f', '1e3', '.inf', '""', '"\\u00e9 \\n"', 'é ✓ 😀', "'it''s'"],
);
const odd = fc.constantFrom(
  'a: b',
  '- a',
  '*a',
  '&a b',
  '!!str x',
  '<<',
  '"a',
  '{ a',
  '] b',
  '#c',
  '?x',
  '-',
  '|',
  '>-',
);

const key = fc.constantFrom(
  'name',
  'match',
  'to',
  'path',
  'method',
  'group',
  '"quoted"',
  '<<',
  '__proto__',
  'é',
);

/** Keys and values for them, each key once. */
const pairs = <T>(value: fc.Arbitrary<T>, maxLength: number) =>
  fc.uniqueArray(fc.tuple(key, value), { minLength: 1, maxLength, selector: ([name]) => name });

const flow: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('{}', '{ path: /a, method: [GET, POST] }', '{ a, b: }', '{ x: [{ x: y }, ], }'),
  pairs(fc.constantFrom('x', `"\${SET}"`, `'/*'`, '[1, 2]', '{ y: z }', ''), 4).map(
    (list) => `{ ${list.map(([name, value]) => `${name}: ${value}`).join(', ')} }`,
  ),
);

/** Lines between others. */
const gap = fc.oneof(
  { weight: 8, arbitrary: fc.constant<string[]>([]) },
  fc.constantFrom<string[]>(
    [''],
    ['   '],
    ['# - a: comment'],
    ['      # deep'],
    ['  # at the dash', ''],
    ['      '],
  ),
);

/** What follows a key: the rest of its line, and lines below it. */
const usual: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 4, arbitrary: plain.map((value) => [` ${value}`]) },
  flow.map((value) => [` ${value}`]),
  fc.tuple(key, plain, gap).map(([inner, value, between]) => ['', ...between, `  ${inner}: ${value}`]),
  fc.tuple(plain, plain).map(([one, two]) => ['', `  - ${one}`, `  - ${two}`]),
  plain.map((value) => ['', `- ${value}`]),
  fc.constantFrom<string[]>(
    [' one', '    goes on'],
    [' "one', '  two"'],
    [' {', '  a: b', '  }'],
    [' {', '  a: b', '}'],
  ),
);
const unusual: fc.Arbitrary<string[]> = fc.oneof(
  odd.map((value) => [` ${value}`]),
  fc.constantFrom<string[]>([' |', '  x'], [' >+', '', '  x', ''], ['', '', 'x'], [' "one', 'two"']),
);

const entries = (value: fc.Arbitrary<string[]>) =>
  fc
    .tuple(pairs(fc.tuple(value, gap), 5))
    .map(([list]) =>
      list.flatMap(([name, [[rest = '', ...below], after]]) => [`${name}:${rest}`, ...below, ...after]),
    );

const usualItem = fc.oneof(
  flow.map((value) => [value]),
  { weight: 2, arbitrary: entries(usual) },
  fc.constantFrom(['', 'name: below'], ['# comment', 'name: below'], ['? name', ': x']),
);
const unusualItem = fc.oneof(
  entries(fc.oneof(usual, unusual)),
  fc.constantFrom([''], ['one'], ['- nested: x'], ['[a]'], ['"one', 'two"'], ['name: x', 'name: y']),
);

const usualHead = fc.constantFrom(
  ['version: 1', `backends: { monolith: { url: "\${SET}" } }`],
  ['# comment', 'version: 1', '', 'backends:', '  monolith:', `    url: \${SET}`],
  ['---', 'version: 1', 'backends:', '  a: { url: x }'],
  ['backends: &all', '  a: &one { url: x }', '  b: *one'],
  ['text: |', '  routes:', '  - a', 'more: >-', '  x'],
  ['other:', '- a', '- b'],
  [],
);
const unusualHead = fc.constantFrom(
  ['%YAML 1.1', '---'],
  ['a: {'],
  ['a: "', 'b'],
  ['a: 1', 'a: 2'],
  ['&r', 'a: *r'],
  ['- a'],
);

const usualTail = fc.constantFrom(
  [],
  ['servedBy: true'],
  ['', '# end', 'paths:', '  caseSensitive: false', ''],
  [`x: \${UNSET}`],
  ['  # end', '...'],
);
const unusualTail = fc.constantFrom(
  ['x: *one'],
  ['routes: []'],
  ['---', 'a: b'],
  [' x: y'],
  ['- a'],
  ['x'],
  ['\t'],
);

const usualLabel = fc.constantFrom('routes:', 'routes: # all of them', 'routes:  ');
const unusualLabel = fc.constantFrom('"routes":', 'routes: &r', 'routes: !!seq', 'routes: [', 'routes :');

/** The lines of a file; of one in three something is unusual, as a rule wrong. */
export const fileLines = fc
  .tuple(fc.constantFrom('', '', '', '', '', '', 'head', 'label', 'tail'), fc.nat({ max: 2 }))
  .chain(([place, items]) =>
    fc.record({
      head: place === 'head' ? unusualHead : usualHead,
      label: place === 'label' ? unusualLabel : usualLabel,
      indent: fc.constantFrom(0, 2, 2, 2, 4),
      pad: fc.constantFrom(1, 1, 1, 3),
      items: fc.array(fc.tuple(items === 0 ? fc.oneof(usualItem, unusualItem) : usualItem, gap), {
        minLength: 1,
        maxLength: 6,
      }),
      before: gap,
      tail: place === 'tail' ? unusualTail : usualTail,
    }),
  )
  .map(({ head, label, indent, pad, items, before, tail }) => {
    const margin = ' '.repeat(indent);
    const inner = ' '.repeat(indent + 1 + pad);
    const listed = items.flatMap(([[first = '', ...more], after]) => [
      `${margin}-${' '.repeat(pad)}${first}`,
      ...more.map((line) => (line === '' ? line : `${inner}${line}`)),
      ...after,
    ]);
    return [...head, label, ...before, ...listed, ...tail];
  });

export const fileText = fc
  .tuple(fileLines, fc.constantFrom('\n', '\n', '\r\n'), fc.boolean())
  .map(([lines, end, last]) => lines.join(end) + (last ? end : ''));
