import path from 'node:path';
import { prepare, prepareInSteps } from '../decide/find.ts';
import { versionsOf } from '../validate/documents.ts';
import { checkContent, checkInSlices, digestOf, type LoadOptions } from './check-content.ts';
import { readRoutesFile } from './load.ts';
import type { RouteTable } from './model.ts';
import { RoutesInvalid } from './problem.ts';
import { inSlices } from './slices.ts';
import { WatchedFolders } from './watched-folders.ts';

export interface WatchOptions extends LoadOptions {
  /** A new table is in force; also when a file that was bad is again what is in force. */
  onTable(table: RouteTable): void;
  /** The file is not usable, and the last good table stays. Called once for each content that stands a while. */
  onInvalid(problem: RoutesInvalid): void;
  /** Milliseconds without an event after which the file is read; editors make several. Default 50. */
  readonly debounce?: number;
  /** Milliseconds that a content must stand before it is called bad: it may be half-written. Default 250. */
  readonly settle?: number;
  /** Milliseconds between looks at the file where no events come, as on some mounts. Default 2000. */
  readonly poll?: number;
}

export interface RouteWatch {
  /** The table in force. */
  current(): RouteTable;
  close(): Promise<void>;
}

/**
 * Loads a routes.yaml and follows its edits.
 * @throws RoutesInvalid where the first load fails.
 */
export async function watchRoutes(file: string, options: WatchOptions): Promise<RouteWatch> {
  return followRoutes(file, checkContent(await readRoutesFile(file), file, options).table, options);
}

/**
 * Follows the edits of a routes.yaml that has been loaded.
 *
 * What is watched are folders, that of the file and that of where symbolic links lead, because an editor
 * replaces the file and a ConfigMap swaps a link beside it: neither is an event of the file that was there.
 * What counts is the content: the same bytes again are no edit.
 */
export async function followRoutes(
  file: string,
  first: RouteTable,
  options: WatchOptions,
): Promise<RouteWatch> {
  prepare(first);
  const watcher = new RoutesWatcher(path.resolve(file), file, first, options);
  await watcher.start();
  return { current: () => watcher.table, close: () => watcher.close() };
}

class RoutesWatcher {
  table: RouteTable;
  readonly #path: string;
  readonly #name: string;
  readonly #options: WatchOptions;
  /**
   * What was last seen: of the file a digest, or the message of why it could not be read, and of the files that are
   * read along with it which edits of them.
   */
  #seen: string;
  /** The same, of what is in force. */
  #inForce: string;
  /** Files that are read along with the file, as far as it was understood last. */
  #documents: readonly string[];
  /** A content that is not usable, seen once: if it is still there after a while, it is meant. */
  #suspect: { readonly seen: string; readonly error: RoutesInvalid } | undefined;
  readonly #folders = new WatchedFolders(() => this.#changed());
  #debounce: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(resolved: string, name: string, table: RouteTable, options: WatchOptions) {
    this.#path = resolved;
    this.#name = name;
    this.#options = options;
    this.table = table;
    this.#documents = [...table.documents.keys()];
    this.#inForce = seenIn(table);
    this.#seen = this.#inForce;
  }

  async start(): Promise<void> {
    await this.#folders.follow([this.#path, ...this.#documents]);
    this.#poll = setInterval(() => this.#read(), this.#options.poll ?? 2000);
    this.#poll.unref();
    // An edit between the first load and now had nobody to see it.
    this.#changed();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#debounce);
    clearInterval(this.#poll);
    this.#folders.close();
    await this.#reading;
  }

  #changed(after = this.#options.debounce ?? 50): void {
    if (this.#closed) return;
    clearTimeout(this.#debounce);
    this.#debounce = setTimeout(() => this.#read(), after);
    this.#debounce.unref();
  }

  /** One reading at a time; what happens meanwhile is looked at afterwards. */
  #read(): void {
    if (this.#reading !== undefined) {
      this.#again = true;
      return;
    }
    this.#reading = this.#load().finally(() => {
      this.#reading = undefined;
      if (!this.#again || this.#closed) return;
      this.#again = false;
      this.#read();
    });
  }

  async #load(): Promise<void> {
    const content = await readRoutesFile(this.#path).catch((error: unknown) => error);
    const key = Buffer.isBuffer(content) ? digestOf(content) : String(content);
    if (!this.#closed && this.#seenNow(key) !== this.#seen) await this.#edited(content, key);
    // A folder may have been replaced, or a link may lead elsewhere now.
    await this.#folders.follow([this.#path, ...this.#documents]);
  }

  #seenNow(key: string): string {
    return `${key}${versionsOf(this.#documents)}`;
  }

  async #edited(content: unknown, key: string): Promise<void> {
    const seen = this.#seenNow(key);
    try {
      if (!Buffer.isBuffer(content)) throw content;
      if (this.#suspect?.seen === seen) throw this.#suspect.error;
      // What is in force may come back after something bad: then there is nothing to build.
      const table = seen === this.#inForce ? this.table : await this.#build(content);
      if (this.#closed) return;
      this.table = table;
      this.#documents = [...table.documents.keys()];
      this.#inForce = seenIn(table);
      this.#seen = this.#inForce;
      this.#suspect = undefined;
      this.#options.onTable(this.table);
    } catch (error) {
      if (!(error instanceof RoutesInvalid)) throw error;
      if (this.#closed) return;
      this.#documents = [...new Set([...this.table.documents.keys(), ...error.documents])];
      const seenThen = this.#seenNow(key);
      if (this.#suspect?.seen !== seenThen) {
        this.#suspect = { seen: seenThen, error };
        this.#changed(this.#options.settle ?? 250);
        return;
      }
      this.#seen = seenThen;
      this.#options.onInvalid(error);
    }
  }

  /** Requests go on meanwhile, with the table in force. */
  async #build(content: Buffer): Promise<RouteTable> {
    const { table } = await checkInSlices(content, this.#name, this.#options, this.table);
    await inSlices(prepareInSteps(table, this.table));
    return table;
  }
}

/** What was seen when a table was built. */
function seenIn({ digest, documents }: RouteTable): string {
  return digest + [...documents.values()].map(({ version }) => `\n${version}`).join('');
}
