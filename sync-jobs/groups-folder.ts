import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure } from '@strangler-fig/kernel/failure';
import type { GroupDeclaration } from './mapping/group.ts';

/**
 * The groups that a folder declares, one file each, in the order of the files' names.
 * @throws Failure `groups_unreadable` where the folder or a file cannot be read or gives no declaration.
 */
export async function loadGroups(folder: string): Promise<GroupDeclaration[]> {
  const files = await readdir(folder).catch((cause: Error) => {
    throw unreadable(folder, cause.message, cause);
  });
  const declarations = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).sort();
  return Promise.all(declarations.map((file) => loadGroup(path.join(folder, file))));
}

async function loadGroup(file: string): Promise<GroupDeclaration> {
  const module = await import(pathToFileURL(file).href).catch((cause: Error) => {
    throw unreadable(file, cause.message, cause);
  });
  const group: unknown = module.default;
  if (typeof group !== 'object' || group === null || !('name' in group) || !('tables' in group)) {
    throw unreadable(file, 'its default export is not a group');
  }
  return group as GroupDeclaration;
}

function unreadable(place: string, reason: string, cause?: unknown): Failure {
  return new Failure('groups_unreadable', `${place}: ${reason}.`, {
    hint: 'Every .ts file in the groups folder exports defineGroup({…}) as its default.',
    exitCode: 2,
    cause,
  });
}
