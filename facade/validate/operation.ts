import { below, DocumentRefused, type Located, mappingOf, resolved } from './json-pointer.ts';
import { compileParameters, type Parameter } from './parameter.ts';
import type { SchemaCheck, SchemaCompiler } from './schema-compiler.ts';

/** What a request to one operation must look like. */
export interface Operation {
  readonly parameters: readonly Parameter[];
  /** Undefined where the document says nothing of a body. */
  readonly body: RequestBodyRule | undefined;
}

interface RequestBodyRule {
  readonly required: boolean;
  /** By media range; undefined: any content of that type. */
  readonly content: ReadonlyMap<string, SchemaCheck | undefined>;
}

/** One entry below `paths`, before it is compiled. */
export interface Described {
  /** Upper case. */
  readonly method: string;
  readonly id: string | undefined;
  readonly template: PathTemplate;
  readonly item: Located;
  readonly operation: Located;
}

/** An element of a path template: text, or a parameter with text around it. */
export type TemplateElement =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string; readonly before: string; readonly after: string };

export interface PathTemplate {
  readonly source: string;
  readonly elements: readonly TemplateElement[];
}

/** @throws DocumentRefused */
export function compileTemplate(source: string, pointer: string): PathTemplate {
  if (!source.startsWith('/')) throw new DocumentRefused(`the path ${pointer} does not begin with "/"`);
  const elements = source
    .slice(1)
    .split('/')
    .map((text): TemplateElement => {
      const [whole, before = '', name = '', after = ''] = /^([^{}]*)\{([^{}]+)\}([^{}]*)$/.exec(text) ?? [];
      if (whole !== undefined) return { kind: 'parameter', name, before, after };
      if (/[{}]/.test(text)) {
        throw new DocumentRefused(`the path ${pointer} has an element with more than one parameter`);
      }
      return { kind: 'literal', text };
    });
  return { source, elements };
}

/** @throws DocumentRefused */
export function compileOperation(
  document: unknown,
  { item, operation }: Described,
  compiler: SchemaCompiler,
): Operation {
  const ofItem = mappingOf(item.value)?.parameters;
  const own = mappingOf(operation.value)?.parameters;
  const lists = [
    { value: ofItem, pointer: below(item.pointer, 'parameters') },
    { value: own, pointer: below(operation.pointer, 'parameters') },
  ];
  return {
    parameters: compileParameters(document, lists, compiler),
    body: compileBody(document, operation, compiler),
  };
}

function compileBody(
  document: unknown,
  operation: Located,
  compiler: SchemaCompiler,
): RequestBodyRule | undefined {
  const value = mappingOf(operation.value)?.requestBody;
  if (value === undefined) return undefined;
  const at = resolved(document, { value, pointer: below(operation.pointer, 'requestBody') });
  const entry = mappingOf(at.value);
  const content = mappingOf(entry?.content);
  if (content === undefined) throw new DocumentRefused(`${at.pointer} has no "content"`);
  const checks = new Map<string, SchemaCheck | undefined>();
  for (const [range, media] of Object.entries(content)) {
    const schema = mappingOf(media)?.schema;
    const pointer = below(below(below(at.pointer, 'content'), range), 'schema');
    checks.set(range, schema === undefined ? undefined : compiler.compile({ value: schema, pointer }));
  }
  return { required: entry?.required === true, content: checks };
}
