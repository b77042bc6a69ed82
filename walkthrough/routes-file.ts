import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { editRoutes, type RouteEdit } from '@strangler-fig/facade/routes/edit';

/** A routes.yaml of the walkthrough's own, edited as an operator edits it. */
export class RoutesFile {
  readonly file: string;

  private constructor(file: string) {
    this.file = file;
  }

  static async copy(source: string, folder: string): Promise<RoutesFile> {
    const file = path.join(folder, 'routes.yaml');
    await copyFile(source, file);
    return new RoutesFile(file);
  }

  /** Makes all edits at once, by replacing the file as editors do, so that no half of them is ever read. */
  async edit(edits: readonly RouteEdit[]): Promise<void> {
    const text = editRoutes(await readFile(this.file, 'utf8'), edits);
    const draft = `${this.file}.draft`;
    await writeFile(draft, text);
    await rename(draft, this.file);
  }
}
