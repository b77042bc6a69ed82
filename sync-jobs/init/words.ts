/** Words that say in what unit or form a column keeps its value, and not what it is about. */
const units = new Set([
  'at',
  'on',
  'to',
  'of',
  'cent',
  'ms',
  'utc',
  'date',
  'time',
  'timestamp',
  'id',
  'is',
  'has',
  'flag',
]);

/** Words of one meaning in many schemas. Names that match by these only are a guess. */
const synonyms = [
  ['status', 'state', 'kind'],
  ['quantity', 'qty', 'count', 'number', 'num', 'piece'],
  ['name', 'title', 'label'],
  ['total', 'amount', 'sum'],
  ['description', 'text', 'body', 'note', 'comment'],
  ['phone', 'telephone', 'tel', 'mobile'],
  ['email', 'mail'],
  ['zip', 'postal', 'postcode'],
  ['address', 'street'],
  ['city', 'place', 'town'],
  ['created', 'inserted', 'made'],
  ['updated', 'modified', 'changed'],
  ['deleted', 'removed', 'withdrawn'],
];
const meaning = new Map(synonyms.flatMap((group) => group.map((word) => [word, group[0]!] as const)));

/** The words of a name, in lower case and the singular: InvoiceLines and invoice_line are both invoice, line. */
export function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1_$2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map(singular);
}

function singular(word: string): string {
  if (word.length < 4 || /(ss|us|is)$/.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(s|x|ch|sh)es$/.test(word)) return word.slice(0, -2);
  // Billing and bill.
  if (word.endsWith('ing') && word.length > 6) return word.slice(0, -3);
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

/**
 * How alike two names are, from 0 to 1: 1 for the same words, 0.9 where only units differ (created, created_at), 0.8 for
 * the same meaning in other words, less where they share some words.
 */
export function likeness(left: string, right: string): number {
  const [a, b] = [wordsOf(left), wordsOf(right)];
  if (a.join() === b.join()) return 1;
  const about = (words: string[]) => words.filter((word) => !units.has(word));
  const [c, d] = [about(a), about(b)];
  if (c.length === 0 || d.length === 0) return 0;
  if (c.join() === d.join()) return 0.9;
  const meant = (words: string[]) => words.map((word) => meaning.get(word) ?? word);
  const [e, f] = [meant(c), meant(d)];
  const shared = e.filter((word) => f.includes(word)).length;
  return ((2 * shared) / (e.length + f.length)) * 0.8;
}

/** Pairs of two lists, the most alike first and none twice, down to a least likeness. */
export function bestPairs<L, R>(
  lefts: readonly L[],
  rights: readonly R[],
  score: (left: L, right: R) => number,
  least: number,
): { left: L; right: R; score: number }[] {
  const all = lefts.flatMap((left) => rights.map((right) => ({ left, right, score: score(left, right) })));
  const taken = new Set<L | R>();
  return all
    .filter((one) => one.score >= least)
    .sort((one, other) => other.score - one.score)
    .filter(({ left, right }) => {
      if (taken.has(left) || taken.has(right)) return false;
      taken.add(left).add(right);
      return true;
    });
}
