import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import { Failure } from '@strangler-fig/kernel/failure';

type Output = Pick<WriteStream, 'write' | 'isTTY'>;

/** Tells the story to a person, and ends it where something is not as the story says. */
export class Narrator {
  readonly #out: Output;
  readonly #colour: boolean;
  #chapter = 0;

  constructor(out: Output) {
    this.#out = out;
    this.#colour = out.isTTY === true && !('NO_COLOR' in process.env);
  }

  chapter(title: string): void {
    this.#chapter++;
    this.#line(`\n${this.#style('bold', `${this.#chapter}. ${title}`)}`);
  }

  say(text: string): void {
    this.#line(text);
  }

  /** A command or an edit, as the reader would make it. */
  show(text: string): void {
    this.#line(this.#style('cyan', `   ${text}`));
  }

  warn(text: string): void {
    this.#line(this.#style('yellow', `   ! ${text}`));
  }

  /**
   * Something that must hold for the story to go on.
   * @throws Failure `story_broken` where it does not.
   */
  check(holds: boolean, text: string): void {
    if (!holds)
      throw new Failure('story_broken', `The story ends here, because this does not hold: ${text}.`);
    this.#line(this.#style('green', `   ✓ ${text}`));
  }

  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, column) =>
      Math.max(...rows.map((row) => (row[column] ?? '').length)),
    );
    for (const row of rows) {
      this.#line(
        `   ${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}`,
      );
    }
  }

  finish(): void {
    this.#line(`\n${this.#style('bold', 'Done.')} Everything was real and is gone again.`);
    this.#line('Now run npm start, and do the same by hand: docs/migration-playbook.md has the checklists.');
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }

  #style(style: 'bold' | 'cyan' | 'yellow' | 'green', text: string): string {
    return this.#colour ? styleText(style, text, { validateStream: false }) : text;
  }
}
