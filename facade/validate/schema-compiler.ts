import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { canonical } from './canonical.ts';
import { DocumentRefused, type Located, locate, mappingOf } from './json-pointer.ts';
import { linearPatterns } from './linear-pattern.ts';

/** Characters of a text that is compared with a format, most of which are regular expressions, and not all linear. */
const longestFormatted = 2048;

/** The name of the document in references to it. */
const name = 'document';

/** Compares values with a schema of a document. */
export interface SchemaCheck {
  /** The first thing that does not fit; undefined: all does. */
  first(value: unknown): ErrorObject | undefined;
  /** All of it; for values that are small. */
  all(value: unknown): readonly ErrorObject[];
}

/** Compiles the schemas of one document. */
export class SchemaCompiler {
  readonly #document: unknown;
  readonly #first: Ajv;
  readonly #all: Ajv;
  readonly #checked = new Set<string>();

  /** @param version3_0 whether the schemas are those of OpenAPI 3.0, in which case they have been translated. */
  constructor(document: Record<string, unknown>, version3_0: boolean) {
    this.#document = document;
    this.#first = engine(document, version3_0, false);
    this.#all = engine(document, version3_0, true);
  }

  /** @throws DocumentRefused */
  compile({ pointer, value }: Located): SchemaCheck {
    this.#check({ pointer, value });
    const first = this.#compiled(this.#first, pointer);
    const all = this.#compiled(this.#all, pointer);
    return {
      first: (data) => (first(data) ? undefined : first.errors?.[0]),
      all: (data) => (all(data) ? [] : (all.errors ?? [])),
    };
  }

  #compiled(ajv: Ajv, pointer: string): ValidateFunction {
    try {
      return ajv.compile({ $ref: `${name}${pointer}` });
    } catch (error) {
      if (error instanceof DocumentRefused) throw error;
      throw new DocumentRefused(`the schema ${pointer} cannot be used (${(error as Error).message})`);
    }
  }

  /** Whether it is a schema, and so is everything that it refers to. */
  #check({ value, pointer }: Located): void {
    if (this.#checked.has(pointer)) return;
    this.#checked.add(pointer);
    let valid: unknown;
    try {
      valid = this.#first.validateSchema(value as object);
    } catch (error) {
      throw new DocumentRefused(`the schema ${pointer} cannot be used (${(error as Error).message})`);
    }
    if (valid !== true) {
      const [wrong] = this.#first.errors ?? [];
      throw new DocumentRefused(
        `${pointer}${wrong?.instancePath ?? ''} is no schema: it ${wrong?.message ?? 'is wrong'}`,
      );
    }
    for (const reference of referencesIn(value)) this.#check(locate(this.#document, reference));
  }
}

function engine(document: Record<string, unknown>, version3_0: boolean, allErrors: boolean): Ajv {
  const options = {
    allErrors,
    strict: false,
    logger: false,
    ownProperties: true,
    validateFormats: true,
    addUsedSchema: false,
    formats,
    code: { regExp: linearPatterns },
  } as const;
  const ajv = version3_0 ? new Ajv(options) : (new Ajv2020(options) as unknown as Ajv);
  // ajv compares each item with each other one.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must NOT have duplicate items' },
    validate: (wanted: boolean, items: readonly unknown[]) =>
      !wanted || new Set(items.map(canonical)).size === items.length,
  });
  ajv.addSchema(document, name, undefined, false);
  return ajv;
}

type Format = (typeof fullFormats)[keyof typeof fullFormats];

const formats = Object.fromEntries(
  Object.entries(fullFormats).map(([format, test]) => [format, format === 'byte' ? test : bounded(test)]),
);

function bounded(format: Format | undefined): Format {
  if (format instanceof RegExp) return (text: string) => text.length <= longestFormatted && format.test(text);
  if (typeof format === 'function') return (text: string) => text.length <= longestFormatted && format(text);
  if (typeof format !== 'object' || format.type === 'number') return format ?? true;
  return bounded(format.validate as Format);
}

function referencesIn(schema: unknown): string[] {
  const found: string[] = [];
  const open: unknown[] = [schema];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (Array.isArray(node)) open.push(...node);
    const mapping = mappingOf(node);
    if (mapping === undefined) continue;
    for (const [key, value] of Object.entries(mapping)) {
      if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string') found.push(value);
      else if (
        key !== 'example' &&
        key !== 'examples' &&
        key !== 'default' &&
        key !== 'enum' &&
        key !== 'const'
      )
        open.push(value);
    }
  }
  return found;
}
