import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Failure } from '@strangler-fig/kernel/failure';
import type { GroupDeclaration } from './mapping/group.ts';

/**
 * The groups that a folder declares, one file each, in the order of the files' names.
 * @throws Failure `groups_unreadable` where the folder or a file cannot be read or gives no declaration, `groups_missing`
 *   where there is none; exit code 2.
 */
export async function loadGroups(folder: string): Promise<GroupDeclaration[]> {
  const files = await readdir(folder).catch((cause: Error) => {
    throw unreadable(folder, cause.message, cause);
  });
  const declarations = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).sort();
  if (declarations.length === 0) throw noGroup(folder);
  return Promise.all(declarations.map((file) => loadGroup(path.join(folder, file))));
}

async function loadGroup(file: string): Promise<GroupDeclaration> {
  const module = await import(pathToFileURL(file).href).catch((cause: Error) => {
    throw unreadable(placeOf(cause, file), cause.message.trim().replace(/\.$/, ''), cause);
  });
  const group: unknown = module.default;
  if (typeof group !== 'object' || group === null || !('name' in group) || !('tables' in group)) {
    throw unreadable(file, 'its default export is not a group');
  }
  return group as GroupDeclaration;
}

/** `file:line:column` as far as Node says it, of the file itself or of one that it imports. */
function placeOf({ stack = '' }: Error, file: string): string {
  // Of a syntax error Node shows the place above the stack: file:line, some lines, and a caret below the one that is wrong.
  const head = /^(.+):(\d+)\n/.exec(stack);
  const caret = /^( *)\^/m.exec(stack)?.[1];
  if (head !== null && caret !== undefined) return `${pathOf(head[1]!)}:${head[2]}:${caret.length + 1}`;
  const own = pathToFileURL(file).href;
  const frame = stack.split('\n').find((line) => line.includes(`${own}:`));
  const place =
    frame === undefined ? undefined : /:\d+:\d+/.exec(frame.slice(frame.indexOf(own) + own.length));
  return `${file}${place?.[0] ?? ''}`;
}

function pathOf(place: string): string {
  return place.startsWith('file:') ? fileURLToPath(place) : place;
}

function noGroup(folder: string): Failure {
  return new Failure('groups_missing', `No group is declared in ${folder}.`, {
    hint:
      'Write the first one with `fig sync init --group NAME --from-tables a,b --out ' +
      `${path.join(folder, 'NAME.ts')}\`, or name the folder that has them in SYNC_GROUPS_DIR.`,
    exitCode: 2,
  });
}

function unreadable(place: string, reason: string, cause?: unknown): Failure {
  return new Failure('groups_unreadable', `${place}: ${reason}.`, {
    hint: 'Every .ts file in the groups folder exports defineGroup({…}) as its default.',
    exitCode: 2,
    cause,
  });
}
