/** A routes.yaml whose routes can be read one by one. */
export interface SplitText {
  /** The text with one item, `0`, in the place of the first item and without the others. */
  readonly frame: string;
  /** Where the key `routes` and its first item begin; the same in both texts. */
  readonly key: number;
  readonly first: number;
  /** In the frame: where what follows the items begins, and how many lines further down it is in the text. */
  readonly rest: number;
  readonly shift: number;
  readonly items: readonly ItemText[];
}

/** Whole lines, from an item's dash to the next one's. */
export interface ItemText {
  readonly start: number;
  readonly end: number;
  /** The first line, counted from 1. */
  readonly line: number;
}

const routesLine = /^routes:[ ]*(?:#.*)?\r?$/m;

/**
 * Splits a text at the dashes of the list under `routes`; undefined where it is not laid out as such a list usually
 * is. It looks at indentation alone: a dash that only seems to be one (within quotes, say) leaves pieces that are
 * not YAML, and whoever parses them must then take the text as a whole.
 */
export function splitItems(text: string): SplitText | undefined {
  const line = routesLine.exec(text);
  // A directive may change what the values mean; a carriage return alone is no end of a line.
  if (line === null || /^%/m.test(text.slice(0, line.index)) || /\r(?!\n)/.test(text)) return undefined;
  const items: { start: number; line: number }[] = [];
  let number = linesIn(text, line.index + line[0].length);
  let at = nextLine(text, line.index);
  let indent = -1;
  for (; at < text.length; at = nextLine(text, at)) {
    number++;
    let from = at;
    while (text.charCodeAt(from) === space) from++;
    const column = from - at;
    // Deeper lines are the item's, whatever they hold.
    if (indent !== -1 && column > indent) continue;
    const character = text.charCodeAt(from);
    if (isLineEnd(character) || character === hash) continue;
    if (character === tab) return undefined;
    if (character === dash && isGap(text.charCodeAt(from + 1)) && (indent === -1 || column === indent)) {
      indent = column;
      items.push({ start: at, line: number });
    } else if (column === 0 && indent !== -1) break;
    else return undefined;
  }
  const first = items[0];
  if (first === undefined) return undefined;
  const placeholder = `${' '.repeat(indent)}- 0\n`;
  const last = at < text.length ? number : number + 1;
  return {
    frame: text.slice(0, first.start) + placeholder + text.slice(at),
    key: line.index,
    first: first.start + indent,
    rest: first.start + placeholder.length,
    shift: last - first.line - 1,
    items: items.map(({ start, line }, index) => ({ start, line, end: items[index + 1]?.start ?? at })),
  };
}

const [tab, lineFeed, carriageReturn, space, hash, dash] = [9, 10, 13, 32, 35, 45];

function isLineEnd(character: number): boolean {
  return character === lineFeed || character === carriageReturn || Number.isNaN(character);
}

function isGap(character: number): boolean {
  return character === space || isLineEnd(character);
}

function nextLine(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

/** Line feeds before an offset, and one. */
function linesIn(text: string, before: number): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < before; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}
