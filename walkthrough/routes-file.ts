import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { editRoutes, type RouteEdit } from '@strangler-fig/facade/routes/edit';
import { parseRoutes } from '@strangler-fig/facade/routes/load';

/** A routes.yaml of the walkthrough's own, edited as an operator edits it. */
export class RoutesFile {
  readonly file: string;

  private constructor(file: string) {
    this.file = file;
  }

  /** A copy that begins where the story begins, with every route on the monolith, wherever its reader is by now. */
  static async copy(source: string, folder: string): Promise<RoutesFile> {
    const file = path.join(folder, 'routes.yaml');
    const text = await readFile(source, 'utf8');
    const routes = parseRoutes(text, source, { secrets: 'optional' }).routes;
    const begin = routes.flatMap(({ name }): RouteEdit[] => [
      { route: name, key: 'to', value: 'monolith' },
      { route: name, key: 'compare', value: undefined },
    ]);
    await writeFile(file, editRoutes(text, begin));
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
