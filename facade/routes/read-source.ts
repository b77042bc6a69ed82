import type { Variables } from './environment.ts';
import { readItemwise } from './item-source.ts';
import type { ReadItems } from './items.ts';
import type { Steps } from './slices.ts';
import type { Source } from './source.ts';
import { readWhole } from './whole-source.ts';

/**
 * Reads YAML with the position of everything in it, and replaces variables of the environment: route by route where
 * the file allows it, else as a whole, which says the same and takes longer.
 * @param known what an earlier reading left.
 */
export function* readSource(text: string, variables: Variables, known?: ReadItems): Steps<Source> {
  return (yield* readItemwise(text, variables, known)) ?? readWhole(text, variables);
}
