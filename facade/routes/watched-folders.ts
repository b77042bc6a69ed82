import { type FSWatcher, watch } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Tells of changes in the folders of some files, and in those that symbolic links lead to: a file that is replaced,
 * or a link that is swapped beside it, is no event of the file that was there.
 */
export class WatchedFolders {
  readonly #changed: () => void;
  #folders = new Map<string, { readonly watcher: FSWatcher; readonly inode: number }>();
  #closed = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Watches the folders of these files and no others. To be called again after a change: links may lead elsewhere. */
  async follow(files: Iterable<string>): Promise<void> {
    const wanted = new Map<string, number>();
    for (const file of files) {
      const target = await realpath(file).catch(() => file);
      for (const folder of new Set([path.dirname(file), path.dirname(target)])) {
        const found = await stat(folder).catch(() => undefined);
        if (found !== undefined) wanted.set(folder, found.ino);
      }
    }
    if (this.#closed) return;
    for (const [folder, { watcher, inode }] of this.#folders) {
      // A folder that was removed and made again is another one, of which its watcher hears nothing.
      if (wanted.get(folder) === inode) continue;
      watcher.close();
      this.#folders.delete(folder);
    }
    for (const [folder, inode] of wanted) if (!this.#folders.has(folder)) this.#watch(folder, inode);
  }

  close(): void {
    this.#closed = true;
    for (const { watcher } of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #watch(folder: string, inode: number): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#changed());
      watcher.on('error', () => {
        watcher.close();
        this.#folders.delete(folder);
      });
      this.#folders.set(folder, { watcher, inode });
    } catch {
      // Gone meanwhile, or no watches left: whoever asks looks at the files from time to time as well.
    }
  }
}
