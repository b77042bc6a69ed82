import { coerced, type Shape, shapeOf } from './coercion.ts';
import { type Finding, finding, findingOf } from './finding.ts';
import { below, DocumentRefused, type Located, mappingOf, resolved } from './json-pointer.ts';
import type { SchemaCheck, SchemaCompiler } from './schema-compiler.ts';

type Place = 'path' | 'query' | 'header' | 'cookie';

/** One parameter of an operation. */
export interface Parameter {
  readonly place: Place;
  /** Of a header in lower case. */
  readonly name: string;
  readonly required: boolean;
  /** Whether it may be there without a value. */
  readonly mayBeEmpty: boolean;
  /** How its text is a value; undefined: that is not looked at. */
  readonly read: ((texts: readonly string[]) => unknown) | undefined;
  /** Whether several of its name are one value. */
  readonly repeats: boolean;
  readonly check: SchemaCheck | undefined;
}

const places: ReadonlySet<unknown> = new Set(['path', 'query', 'header', 'cookie']);

/** Headers that are described elsewhere in a document (OpenAPI 3.1, 4.8.12.1). */
const ignoredHeaders = new Set(['accept', 'content-type', 'authorization']);

/**
 * Compiles the parameters of an operation; of one name in one place the operation's own counts.
 * @throws DocumentRefused
 */
export function compileParameters(
  document: unknown,
  lists: readonly Located[],
  compiler: SchemaCompiler,
): readonly Parameter[] {
  const byName = new Map<string, Parameter>();
  for (const { value, pointer } of lists) {
    if (value === undefined) continue;
    if (!Array.isArray(value)) throw new DocumentRefused(`${pointer} is not a list`);
    value.forEach((entry: unknown, index) => {
      const at = resolved(document, { value: entry, pointer: below(pointer, index) });
      const parameter = compileParameter(document, at, compiler);
      if (parameter !== undefined) byName.set(`${parameter.place} ${parameter.name}`, parameter);
    });
  }
  return [...byName.values()];
}

function compileParameter(
  document: unknown,
  { value, pointer }: Located,
  compiler: SchemaCompiler,
): Parameter | undefined {
  const entry = mappingOf(value);
  if (entry === undefined || typeof entry.name !== 'string' || !places.has(entry.in)) {
    throw new DocumentRefused(`${pointer} is no parameter with a "name" and an "in"`);
  }
  const place = entry.in as Place;
  const name = place === 'header' ? entry.name.toLowerCase() : entry.name;
  if (place === 'header' && ignoredHeaders.has(name)) return undefined;
  const common = {
    place,
    name,
    required: entry.required === true || place === 'path',
    mayBeEmpty: entry.allowEmptyValue === true,
  };
  if (entry.schema === undefined) return { ...common, ...asJson(document, entry, pointer, compiler) };
  const schema = { value: entry.schema, pointer: below(pointer, 'schema') };
  const shape = shapeOf(document, schema);
  const usual = place === 'query' || place === 'cookie' ? 'form' : 'simple';
  const style = entry.style ?? usual;
  const explode = entry.explode ?? style === 'form';
  // Objects, and lists with other marks between their items, are for the backend to read.
  if (shape.types.has('object') || style !== usual)
    return { ...common, read: undefined, repeats: true, check: undefined };
  const check = compiler.compile(schema);
  if (!shape.types.has('array'))
    return { ...common, read: ([text]) => coerced(text ?? '', shape), repeats: false, check };
  const repeats = place === 'query' && explode === true;
  const items = shape.items ?? { types: new Set<string>(), items: undefined };
  return { ...common, read: (texts) => list(texts, repeats, items), repeats, check };
}

/** `content: { application/json: … }`, as which a parameter's text is JSON. */
function asJson(
  document: unknown,
  entry: Record<string, unknown>,
  pointer: string,
  compiler: SchemaCompiler,
): Pick<Parameter, 'read' | 'repeats' | 'check'> {
  const content = mappingOf(entry.content);
  const media = mappingOf(content?.['application/json']);
  if (content === undefined) throw new DocumentRefused(`${pointer} has neither a "schema" nor a "content"`);
  if (media?.schema === undefined) return { read: undefined, repeats: true, check: undefined };
  const at = below(below(below(pointer, 'content'), 'application/json'), 'schema');
  const check = compiler.compile(resolved(document, { value: media.schema, pointer: at }));
  return { read: ([text]) => JSON.parse(text ?? '') as unknown, repeats: false, check };
}

function list(texts: readonly string[], repeats: boolean, items: Shape): unknown[] {
  const parts = repeats ? texts : (texts[0] ?? '').split(',');
  return parts.map((text) => coerced(text, items));
}

/**
 * What is wrong with one parameter of a request.
 * @param texts as they were sent: one for each time that it is there.
 */
export function wrongWith(parameter: Parameter, texts: readonly string[] | undefined): Finding | undefined {
  const { place, name, required, read, repeats, check } = parameter;
  const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (texts === undefined || texts.length === 0) {
    return required ? finding(place, pointer, 'must be there') : undefined;
  }
  if (read === undefined || check === undefined) return undefined;
  if (texts.length > 1 && !repeats) return finding(place, pointer, 'must be there only once');
  if (parameter.mayBeEmpty && texts[0] === '') return undefined;
  let value: unknown;
  try {
    value = read(texts);
  } catch {
    return finding(place, pointer, 'must be JSON');
  }
  const error = check.first(value);
  return error && findingOf(place, pointer, error);
}
