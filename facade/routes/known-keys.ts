import { routesFile } from './schema.ts';
import type { Path } from './source.ts';

/** The keys that the schema has at a place. */
export function knownKeys(path: Path): string[] {
  let schema: unknown = routesFile;
  for (const step of path) schema = child(schema, step);
  return Object.keys(shapeOf(schema) ?? {});
}

interface SchemaNode {
  readonly shape?: Record<string, unknown>;
  readonly def: {
    readonly innerType?: unknown;
    readonly element?: unknown;
    readonly valueType?: unknown;
    readonly options?: readonly unknown[];
  };
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  const node = schema as SchemaNode | undefined;
  if (node === undefined) return undefined;
  if (node.shape !== undefined) return node.shape;
  if (node.def.innerType !== undefined) return shapeOf(node.def.innerType);
  return node.def.options?.map(shapeOf).find((shape) => shape !== undefined);
}

function child(schema: unknown, step: PropertyKey): unknown {
  const shape = shapeOf(schema);
  if (shape !== undefined) return shape[String(step)];
  let node = schema as SchemaNode | undefined;
  while (node?.def.innerType !== undefined) node = node.def.innerType as SchemaNode;
  return node?.def.element ?? node?.def.valueType;
}
