import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { PlacedRoute } from '../routes/entries.ts';
import type { Route } from '../routes/model.ts';
import type { Report } from '../routes/report.ts';
import type { Steps } from '../routes/slices.ts';
import { suggestion } from '../routes/suggest.ts';
import { DocumentRefused } from './json-pointer.ts';
import { OpenApiDocument } from './openapi-document.ts';
import type { Described } from './operation.ts';

/** A document that routes are compared with, as it was when it was read. */
export interface LoadedDocument {
  readonly document: OpenApiDocument;
  /** Which edit of the file it is. */
  readonly version: string;
}

/** Bytes of a document. */
const mostBytes = 8 * 1024 * 1024;
const mostAliases = 1000;

/** Documents by their path, undefined where one cannot be used. Unchanged files are not compiled again. */
const known = new Map<string, LoadedDocument>();
const mostKnown = 64;

/**
 * Reads the documents that routes name and compiles what their requests can be for; reports what is wrong with them
 * at the routes' `validate`.
 */
export function* compileDocuments(
  routes: readonly PlacedRoute[],
  report: Report,
): Steps<ReadonlyMap<string, LoadedDocument>> {
  const documents = new Map<string, LoadedDocument>();
  const refused = new Map<string, DocumentRefused>();
  for (const { route, path: at } of routes) {
    if (route.validate === undefined) continue;
    const { document: file } = route.validate;
    report.documents.add(file);
    try {
      const before = refused.get(file);
      if (before !== undefined) throw before;
      let loaded = documents.get(file);
      if (loaded === undefined) {
        loaded = load(file);
        documents.set(file, loaded);
      }
      yield;
      for (const described of concerned(route, at, loaded.document, report)) {
        loaded.document.compile(described);
        yield;
      }
    } catch (thrown) {
      const error = thrown instanceof RangeError ? new DocumentRefused('it has too many levels') : thrown;
      if (!(error instanceof DocumentRefused)) throw error;
      refused.set(file, error);
      report.problem(
        'bad_openapi',
        report.source.valueAt([...at, 'validate', 'openapi']),
        `${shown(file, report)} cannot be used for route "${route.name}": ${error.message}.`,
        'Correct the document, or remove "validate".',
      );
    }
  }
  return documents;
}

/** Which edits files are now; it goes with the files' order. */
export function versionsOf(files: readonly string[]): string {
  return files.map((file) => `\n${versionOf(file)}`).join('');
}

/** Which edit a file is now; the same text for as long as nobody writes it. */
function versionOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

function load(file: string): LoadedDocument {
  const version = versionOf(file);
  const before = known.get(file);
  if (before?.version === version) return before;
  const loaded = { document: new OpenApiDocument(read(file)), version };
  if (known.size >= mostKnown) known.clear();
  known.set(file, loaded);
  return loaded;
}

function read(file: string): unknown {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > mostBytes) throw new DocumentRefused(`it has more than ${mostBytes} bytes`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof DocumentRefused) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new DocumentRefused(code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`);
  }
  try {
    if (path.extname(file) === '.json') return JSON.parse(text);
    // As JSON: an alias can make YAML hold itself.
    return JSON.parse(JSON.stringify(parse(text, { maxAliasCount: mostAliases, logLevel: 'error' }) ?? null));
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n', 1);
    throw new DocumentRefused(
      `it is not ${path.extname(file) === '.json' ? 'JSON' : 'YAML'} (${line.replace(/[.:]$/, '')})`,
    );
  }
}

/** The operations that a route's requests can be for. */
function concerned(
  route: Route,
  at: readonly PropertyKey[],
  document: OpenApiDocument,
  report: Report,
): readonly Described[] {
  const { operation } = route.validate ?? {};
  if (operation !== undefined) {
    const named = document.operations.filter(({ id }) => id === operation);
    if (named.length > 0) return named;
    const ids = document.operations.flatMap(({ id }) => id ?? []);
    report.problem(
      'unknown_operation',
      report.source.valueAt([...at, 'validate', 'operation']),
      `There is no operation "${operation}" in ${shown(route.validate?.document ?? '', report)}.`,
      suggestion(operation, ids),
    );
    return [];
  }
  const asked = askedElements(route);
  const { methods } = route.match;
  const found = document.operations.filter(
    (described) =>
      (methods === undefined || methods.includes(described.method)) &&
      (asked === undefined || document.mayBeFor(described, asked.elements, asked.prefix)),
  );
  if (found.length === 0) {
    report.warning(
      'validate_no_operation',
      report.source.keyAt([...at, 'validate']),
      `${shown(route.validate?.document ?? '', report)} has no operation for what route "${route.name}" asks its backend for.`,
      route.validate?.mode === 'refuse' ? 'All of its requests are refused.' : undefined,
    );
  }
  return found;
}

/** What the backend is asked for, element by element, where undefined is any text; undefined: that cannot be said. */
function askedElements({
  match,
  rewrite,
}: Route): { elements: (string | undefined)[]; prefix: boolean } | undefined {
  const { path } = match;
  if (path.kind === 'regex') return undefined;
  const replaced = rewrite?.path;
  if (replaced === undefined) {
    return {
      elements: path.elements.map((one) => (one.kind === 'literal' ? one.text : undefined)),
      prefix: path.prefix,
    };
  }
  const elements = replaced.elements.map((one) => (one.kind === 'literal' ? one.text : undefined));
  const more = replaced.replaces === undefined ? 0 : path.elements.length - replaced.replaces;
  const kept =
    more > 0 ? path.elements.slice(-more).map((one) => (one.kind === 'literal' ? one.text : undefined)) : [];
  return {
    elements: [...elements, ...kept].filter(
      (text, index, all) => text !== '' || index > 0 || all.length === 1,
    ),
    prefix: path.prefix && replaced.replaces !== undefined,
  };
}

function shown(file: string, report: Report): string {
  return path.relative(report.folder, file) || file;
}
