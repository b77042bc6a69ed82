import { expect, test } from 'vitest';
import { Screen } from '../commands/sync/screen.ts';

/** What a terminal of so many columns shows: moves of the cursor up and deletions are carried out. */
function terminal(columns: number, rows: number) {
  const lines: string[] = [''];
  let at = 0;
  let column = 0;
  const set = (sign: string) => {
    if (column === columns) [at, column] = [at + 1, 0];
    lines[at] =
      `${(lines[at] ?? '').slice(0, column).padEnd(column)}${sign}${(lines[at] ?? '').slice(column + 1)}`;
    column += 1;
  };
  return {
    columns,
    rows,
    shown: () => lines.filter((line, index) => line !== '' || index < lines.length - 1),
    write(text: string) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what steers a terminal
      for (const part of text.match(/\x1b\[\d*[A-Za-z]|[\s\S]/g) ?? []) {
        if (part === '\n') [at, column] = [at + 1, 0];
        else if (part === '\r') column = 0;
        else if (part === '\x1b[K') lines[at] = (lines[at] ?? '').slice(0, column);
        else if (part === '\x1b[J') lines.splice(at, lines.length, (lines[at] ?? '').slice(0, column));
        else if (part.endsWith('A')) at -= Number(part.slice(2, -1));
        else if (part.length === 1) set(part);
        lines[at] ??= '';
      }
    },
  };
}

test('a picture is drawn over the last one, whichever is the longer', () => {
  const on = terminal(20, 10);
  const screen = new Screen(on);
  screen.draw(['one', 'two', 'three']);
  screen.draw(['1', 'a line that is longer than the window is wide', '3', '4']);
  expect(on.shown()).toEqual(['1', 'a line that is lon…', '3', '4']);
  screen.draw(['last']);
  expect(on.shown()).toEqual(['last']);
});

test('a terminal that does not know its size is taken for one of 80 by 24', () => {
  let text = '';
  const screen = new Screen({ columns: 0, rows: 0, write: (part) => (text += part) });
  screen.draw(['profile  following  owned by legacy, epoch 1', '2', '3', 'x'.repeat(100)]);
  expect(text).toContain('profile  following  owned by legacy, epoch 1');
  expect(text).toContain(`${'x'.repeat(78)}…`);
});

test('what does not fit below each other is cut, as it could not be drawn over', () => {
  const on = terminal(20, 4);
  const screen = new Screen(on);
  for (let time = 0; time < 2; time++) screen.draw(['1', '2', '3', '4', '5']);
  expect(on.shown()).toEqual(['1', '2', '… 3 more lines']);
});
