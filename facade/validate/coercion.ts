import { below, type Located, mappingOf, resolved } from './json-pointer.ts';

/** What a schema says of the type of a value that is text where it is sent. */
export interface Shape {
  readonly types: ReadonlySet<string>;
  /** Of a list. */
  readonly items: Shape | undefined;
}

/** Alternatives within alternatives that are looked through. */
const deepest = 8;

/** @throws DocumentRefused */
export function shapeOf(document: unknown, schema: Located, depth = 0): Shape {
  const types = new Set<string>();
  let items: Shape | undefined;
  const at = resolved(document, schema);
  const mapping = mappingOf(at.value);
  if (mapping === undefined || depth > deepest) return { types, items };
  for (const type of Array.isArray(mapping.type) ? mapping.type : [mapping.type]) {
    if (typeof type === 'string') types.add(type);
  }
  if (mapping.items !== undefined) {
    items = shapeOf(document, { value: mapping.items, pointer: below(at.pointer, 'items') }, depth + 1);
  }
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) {
    const alternatives = mapping[key];
    if (!Array.isArray(alternatives)) continue;
    alternatives.forEach((value: unknown, index) => {
      const pointer = below(below(at.pointer, key), index);
      const shape = shapeOf(document, { value, pointer }, depth + 1);
      for (const type of shape.types) types.add(type);
      items ??= shape.items;
    });
  }
  return { types, items };
}

const number = /^-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?$/;

/** A text as the value that its schema asks for; where it cannot be one it stays a text, which then does not fit. */
export function coerced(text: string, { types }: Shape): unknown {
  if ((types.has('integer') || types.has('number')) && number.test(text)) return Number(text);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
