import type { Column, TableShape } from '../stores/store.ts';

/** A table as a database would show it, from its columns' types alone. */
export function shapeOf(columns: Record<string, Column['type']>): TableShape {
  return {
    columns: new Map(
      Object.entries(columns).map(([name, type]) => [
        name,
        { name, type, declared: type, nullable: true, filledByDefault: false },
      ]),
    ),
    unique: [],
    primaryKey: [],
    refersTo: [],
    referring: new Set(),
    guarded: [],
    collisions: [],
  };
}
