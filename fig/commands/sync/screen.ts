import { stripVTControlCharacters } from 'node:util';

/** What a picture is drawn on. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

/** Draws a picture again and again in one place: over the last one, by moving the cursor up to its first line. */
export class Screen {
  readonly #terminal: Terminal;
  #height = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** A line that is too long would break and count as two; lines beyond the window cannot be reached again. */
  draw(lines: readonly string[]): void {
    // A terminal that does not say how large it is says 0.
    const columns = this.#terminal.columns || 80;
    const rows = this.#terminal.rows || 24;
    const most = Math.max(2, rows - 1);
    const hidden = lines.length - most;
    const shown = hidden > 0 ? [...lines.slice(0, most - 1), `… ${hidden + 1} more lines`] : lines;
    const up = this.#height === 0 ? '\r' : `\x1b[${this.#height}A\r`;
    const text = shown.map((line) => `${cut(line, columns)}\x1b[K\n`).join('');
    this.#terminal.write(`${up}${text}\x1b[J`);
    this.#height = shown.length;
  }
}

/** A line that has to be cut loses its colours, among which the cut could fall. */
function cut(line: string, columns: number): string {
  const bare = stripVTControlCharacters(line);
  return bare.length < columns ? line : `${bare.slice(0, Math.max(0, columns - 2))}…`;
}
