/** What a route changes on the way to its backend and back; compiled and frozen with its route. */
export interface Rewrite {
  readonly path: PathRewrite | undefined;
  readonly requestHeaders: HeaderChanges | undefined;
  /** Undefined where answers pass as they are. */
  readonly answer: AnswerRewrite | undefined;
}

export interface PathRewrite {
  /** As it stands in the file. */
  readonly source: string;
  readonly elements: readonly NewElement[];
  /** How many elements of the received path are replaced, the others stay; undefined: all of them. */
  readonly replaces: number | undefined;
}

export type NewElement =
  | { readonly kind: 'literal'; readonly text: string }
  /** The element of the received path that stands there, byte for byte. */
  | { readonly kind: 'received'; readonly index: number };

export interface HeaderChanges {
  /** Lower case; what is set anew is among them. */
  readonly drop: ReadonlySet<string>;
  /** Names and values alternating. */
  readonly append: readonly string[];
}

export interface AnswerRewrite {
  readonly headers: HeaderChanges | undefined;
  readonly location: boolean;
  /** From domains in lower case, without a leading dot; null: the attribute goes. */
  readonly cookieDomain: ReadonlyMap<string, string | null> | undefined;
}
