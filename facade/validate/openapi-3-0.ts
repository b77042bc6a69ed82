import { mappingOf } from './json-pointer.ts';

/**
 * A document of OpenAPI 3.0 with its schemas put as draft 7 has them: `exclusiveMinimum: true` beside a `minimum` is
 * a number of its own there, `nullable` a type, and what stands beside a `$ref` counts, which it does not in 3.0.
 */
export function translated(document: unknown): unknown {
  if (Array.isArray(document)) return document.map(translated);
  const mapping = mappingOf(document);
  if (mapping === undefined) return document;
  if (typeof mapping.$ref === 'string') return { $ref: mapping.$ref };
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(mapping)) {
    Object.defineProperty(copy, key, {
      value: translated(value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  exclusive(copy, 'minimum', 'exclusiveMinimum');
  exclusive(copy, 'maximum', 'exclusiveMaximum');
  if (copy.nullable === true && typeof copy.type === 'string') {
    copy.type = [copy.type, 'null'];
    if (Array.isArray(copy.enum) && !copy.enum.includes(null)) copy.enum = [...copy.enum, null];
  }
  if (typeof copy.nullable === 'boolean') delete copy.nullable;
  return copy;
}

function exclusive(schema: Record<string, unknown>, bound: string, key: string): void {
  if (typeof schema[key] !== 'boolean') return;
  if (schema[key] === true && typeof schema[bound] === 'number') {
    schema[key] = schema[bound];
    delete schema[bound];
  } else delete schema[key];
}
