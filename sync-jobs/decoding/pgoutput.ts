/**
 * Messages of PostgreSQL's plugin pgoutput, protocol version 1, as its documentation describes them:
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export type Message =
  | { kind: 'begin'; xid: number; commit: bigint; at: number }
  | { kind: 'commit'; end: bigint }
  /** A message that somebody wrote into the log: within a transaction, or at once, where `end` is a place after it. */
  | { kind: 'note'; prefix: string; transactional: boolean; end: bigint }
  | { kind: 'relation'; relation: Relation }
  | { kind: 'insert'; relation: number; row: Tuple }
  | { kind: 'update'; relation: number; old: Old | undefined; row: Tuple }
  | { kind: 'delete'; relation: number; old: Old }
  | { kind: 'truncate'; relations: number[] }
  | { kind: 'other' };

/** A table as it was when the change was made. */
export interface Relation {
  id: number;
  name: string;
  columns: string[];
}

/** Each value's text, or undefined where it is kept out of line (TOAST) and the change did not touch it. */
export type Tuple = (string | null | undefined)[];

/** A row as it was before: all of it, or the columns of the replica identity, with null for the others. */
export interface Old {
  whole: boolean;
  row: Tuple;
}

/** The protocol counts microseconds from 2000 on. */
const epoch = Date.UTC(2000, 0, 1);

export function parseMessage(data: Buffer): Message {
  const reader = new Reader(data);
  switch (reader.letter()) {
    case 'B': {
      const commit = reader.int64();
      const at = epoch + Number(reader.int64()) / 1000;
      return { kind: 'begin', commit, at, xid: reader.int32() };
    }
    case 'C':
      reader.int8();
      reader.int64();
      return { kind: 'commit', end: reader.int64() };
    case 'M': {
      const transactional = (reader.int8() & 1) === 1;
      const end = reader.int64();
      return { kind: 'note', transactional, end, prefix: reader.text() };
    }
    case 'R':
      return { kind: 'relation', relation: relationOf(reader) };
    case 'I': {
      const relation = reader.int32();
      reader.letter();
      return { kind: 'insert', relation, row: reader.tuple() };
    }
    case 'U':
      return updateOf(reader);
    case 'D': {
      const relation = reader.int32();
      return { kind: 'delete', relation, old: { whole: reader.letter() === 'O', row: reader.tuple() } };
    }
    case 'T': {
      const count = reader.int32();
      reader.int8();
      return { kind: 'truncate', relations: Array.from({ length: count }, () => reader.int32()) };
    }
    default:
      return { kind: 'other' };
  }
}

function relationOf(reader: Reader): Relation {
  const id = reader.int32();
  reader.text();
  const name = reader.text();
  reader.int8();
  const columns = Array.from({ length: reader.int16() }, () => {
    reader.int8();
    const column = reader.text();
    reader.int32();
    reader.int32();
    return column;
  });
  return { id, name, columns };
}

function updateOf(reader: Reader): Message {
  const relation = reader.int32();
  const part = reader.letter();
  if (part === 'N') return { kind: 'update', relation, old: undefined, row: reader.tuple() };
  const old = { whole: part === 'O', row: reader.tuple() };
  reader.letter();
  return { kind: 'update', relation, old, row: reader.tuple() };
}

class Reader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  letter(): string {
    return String.fromCharCode(this.int8());
  }

  int8(): number {
    return this.#data.readUInt8(this.#at++);
  }

  int16(): number {
    this.#at += 2;
    return this.#data.readUInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#data.readUInt32BE(this.#at - 4);
  }

  int64(): bigint {
    this.#at += 8;
    return this.#data.readBigInt64BE(this.#at - 8);
  }

  /** Text up to a zero byte. */
  text(): string {
    const from = this.#at;
    const end = this.#data.indexOf(0, from);
    this.#at = end + 1;
    return this.#data.toString('utf8', from, end);
  }

  tuple(): Tuple {
    return Array.from({ length: this.int16() }, () => {
      const form = this.letter();
      if (form === 'n') return null;
      if (form === 'u') return undefined;
      const length = this.int32();
      this.#at += length;
      return this.#data.toString('utf8', this.#at - length, this.#at);
    });
  }
}
