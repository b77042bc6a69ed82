import type { Fault } from '../mapping/declaration-faults.ts';
import type { Direction } from '../mapping/group.ts';

/** How a check is made. */
export interface CheckOptions {
  /** Rows of one read; each is a snapshot of its own, so that no transaction stays open over a whole table. */
  chunkRows?: number;
  /** Reads only so many rows of each table, the first by key. */
  rows?: number;
  signal?: AbortSignal;
  onProgress?(progress: { table: string; rows: number }): void;
}

/** What kind of thing was found in the rows. */
export type FindingKind =
  /** The mapping has no answer for the value. */
  | 'unmappable'
  /** A value table or a table of states does not list it. */
  | 'unlisted'
  /** The text holds the separator that a merge joins by, or has nothing before it. */
  | 'separator'
  /** There and back again it is another value. */
  | 'not-restored'
  /** There and back again a time has lost its fraction. */
  | 'time-cut'
  /** NULL where the column takes none. */
  | 'null'
  /** Text with U+0000, which PostgreSQL has no text for. */
  | 'nul-text'
  | 'too-long'
  /** A number beyond what the column holds. */
  | 'out-of-range'
  /** A number whose last digits the column would drop. */
  | 'rounded'
  /** A value of another type than the column's. */
  | 'wrong-type'
  /** A row that a CHECK constraint refuses. */
  | 'constraint'
  /** Two rows with one value where a unique index allows it once. */
  | 'duplicate'
  /** A row that refers to one that is not there. */
  | 'orphan'
  /** What the declaration itself says is lost on the way back. */
  | 'declared-loss';

/** One kind of thing found in one field, with the first row that shows it. */
export interface Finding {
  kind: FindingKind;
  direction: Direction;
  /** Legacy table -> service table. */
  table: string;
  field: string;
  /** The names of all fields that have a part in it: a condition or an index over several columns has several. */
  fields: string[];
  /** How many rows. */
  count: number;
  /** Of the first one, as shown to people. */
  key: string;
  value: string;
  /** What came of it, or why nothing did. */
  result: string;
  /** The unlisted values and how often each occurs, the most frequent first; cut after twenty. */
  values?: { value: string; count: number }[];
  /** The same as a sentence. */
  sentence: string;
}

/** What is known of a law that a field has to keep. */
export interface Verdict {
  /** `proven` from the types alone, `measured` over rows, `refuted` by rows, `not-written` where there is nothing to keep. */
  verdict: 'proven' | 'measured' | 'refuted' | 'not-written';
  /** How many rows it was measured over. */
  rows: number;
  /** How many of them break it. */
  broken: number;
}

export interface FieldReport {
  field: string;
  kind: string;
  role: 'key' | 'owned' | 'reference';
  /** Every legacy value has a counterpart that the service's columns hold. */
  forward: Verdict;
  /** What went forward comes back as it was, and what the service wrote has a counterpart that the legacy columns hold. */
  back: Verdict;
  /** Why it is not written back. */
  reason?: string;
}

/** What is well today, and may stop the group or be costly. It refuses nothing. */
export interface Warning {
  /** `finer-times`: times may come that the field refuses; `key-order`: no index has the key in the order of its reads. */
  kind: 'finer-times' | 'key-order';
  side: 'legacy' | 'service';
  /** The field, or the columns of the key. */
  field: string;
  sentence: string;
  /** What mends it, in SQL. */
  statement?: string;
}

export interface TableReport {
  from: string;
  to: string;
  /** Rows read on either side; those without a counterpart by declaration (soft deletes) are counted apart. */
  legacyRows: number;
  absentRows: number;
  serviceRows: number;
  fields: FieldReport[];
  findings: Finding[];
  warnings: Warning[];
  /** Columns that no field speaks of: they stay where they are, whichever side owns the group. */
  unmapped: { legacy: string[]; service: string[] };
  /** Constraints that could not be asked of values, and why. */
  unasked: string[];
}

/** What `fig sync check` found of a group. Plain data. */
export interface CheckReport {
  group: string;
  /** Nothing refuses the mapping. A declared loss does not. */
  sound: boolean;
  /** What refuses the mapping before any row is looked at; a table with one is not measured. */
  faults: Fault[];
  tables: TableReport[];
  /** Only the first so many rows of each table were read; undefined where all were. */
  limitedTo?: number;
}
