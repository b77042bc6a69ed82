/** A repeatable stream of choices. */
export interface Random {
  /** A whole number, both ends included. */
  int(min: number, max: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** True with probability `p`. */
  chance(p: number): boolean;
}

/** Streams of different names are independent; one name always gives the same stream (mulberry32). */
export function createRandom(name: string): Random {
  let state = 2_166_136_261;
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 16_777_619);
  function float(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  return {
    int: (min, max) => min + Math.floor(float() * (max - min + 1)),
    pick: (items) => items[Math.floor(float() * items.length)]!,
    chance: (p) => float() < p,
  };
}
