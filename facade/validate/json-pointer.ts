/** A mapping of a document, or undefined where something else stands. */
export function mappingOf(value: unknown): Record<string, unknown> | undefined {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isMapping ? (value as Record<string, unknown>) : undefined;
}

/** `#/paths/~1items/get`, and one step down. */
export function below(pointer: string, step: string | number): string {
  return `${pointer}/${encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1'))}`;
}

/** A value of a document, and where it is. */
export interface Located {
  readonly value: unknown;
  readonly pointer: string;
}

/** A document that cannot be used, and what is wrong with it. */
export class DocumentRefused extends Error {}

/** References to references: more than this is a circle. */
const mostHops = 32;

/** @throws DocumentRefused */
export function locate(document: unknown, pointer: string): Located {
  if (!pointer.startsWith('#/')) {
    throw new DocumentRefused(`it refers to "${shortened(pointer)}", which is not in it`);
  }
  let value = document;
  for (const step of pointer.slice(2).split('/')) {
    let key: string;
    try {
      key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    } catch {
      throw new DocumentRefused(`it refers to "${shortened(pointer)}", which is no JSON pointer`);
    }
    const holder = value as Record<string, unknown> | null;
    if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, key)) {
      throw new DocumentRefused(`it refers to "${shortened(pointer)}", which it does not have`);
    }
    value = holder[key];
  }
  return { value, pointer };
}

/**
 * What a place of a document says, in the end: `$ref`s are followed.
 * @throws DocumentRefused
 */
export function resolved(document: unknown, at: Located): Located {
  let located = at;
  for (let hops = 0; hops < mostHops; hops++) {
    const reference = mappingOf(located.value)?.$ref;
    if (typeof reference !== 'string') return located;
    located = locate(document, reference);
  }
  throw new DocumentRefused(`${at.pointer} refers to itself`);
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
}
