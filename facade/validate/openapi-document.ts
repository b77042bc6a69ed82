import { normalizeEscapes } from '../check/target.ts';
import { below, DocumentRefused, type Located, mappingOf, resolved } from './json-pointer.ts';
import { translated } from './openapi-3-0.ts';
import {
  compileOperation,
  compileTemplate,
  type Described,
  type Operation,
  type PathTemplate,
  type TemplateElement,
} from './operation.ts';
import { SchemaCompiler } from './schema-compiler.ts';

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** The operation of a request, and the elements of its path that are parameters, as they were sent. */
export interface Selected {
  readonly operation: Operation;
  readonly path: ReadonlyMap<string, string>;
}

/** What an OpenAPI document says of requests. */
export class OpenApiDocument {
  readonly operations: readonly Described[];
  readonly #document: Record<string, unknown>;
  readonly #compiler: SchemaCompiler;
  readonly #compiled = new Map<Described, Operation>();
  /** Paths below which the operations are, such as `/api`; elements, raw. */
  readonly #bases: readonly (readonly string[])[];

  /**
   * @param value what the file holds.
   * @throws DocumentRefused
   */
  constructor(value: unknown) {
    const read = mappingOf(value);
    const version = read?.openapi;
    if (read === undefined || typeof version !== 'string' || !/^3\.[01]\.[0-9]+/.test(version)) {
      throw new DocumentRefused('it is no OpenAPI document of version 3.0 or 3.1');
    }
    const older = version.startsWith('3.0');
    this.#document = older ? (translated(read) as Record<string, unknown>) : read;
    this.#compiler = new SchemaCompiler(this.#document, older);
    this.#bases = basesOf(this.#document.servers);
    this.operations = this.#describe();
  }

  /** @throws DocumentRefused */
  compile(described: Described): void {
    this.#operation(described);
  }

  /**
   * The operation that a request is for; of several the one with text where others have a parameter.
   * @param path what the backend is asked for, without a query.
   */
  select(method: string, path: string): Selected | undefined {
    const raw = path.slice(1).split('/');
    const found = this.#find(method, raw) ?? (method === 'HEAD' ? this.#find('GET', raw) : undefined);
    return found && { operation: this.#operation(found.described), path: found.path };
  }

  /** The operation of that name, whatever the path. */
  selectById(id: string, path: string): Selected | undefined {
    const described = this.operations.find((one) => one.id === id);
    if (described === undefined) return undefined;
    const raw = path.slice(1).split('/');
    return { operation: this.#operation(described), path: this.#fit(described.template, raw) ?? new Map() };
  }

  #operation(described: Described): Operation {
    let operation = this.#compiled.get(described);
    if (operation === undefined) {
      operation = compileOperation(this.#document, described, this.#compiler);
      this.#compiled.set(described, operation);
    }
    return operation;
  }

  #find(method: string, raw: readonly string[]) {
    for (const described of this.operations) {
      if (described.method !== method) continue;
      const path = this.#fit(described.template, raw);
      if (path !== undefined) return { described, path };
    }
    return undefined;
  }

  #fit(template: PathTemplate, raw: readonly string[]): ReadonlyMap<string, string> | undefined {
    for (const base of this.#bases) {
      if (!base.every((text, index) => same(text, raw[index]))) continue;
      const path = fit(template, raw.slice(base.length));
      if (path !== undefined) return path;
    }
    return undefined;
  }

  /** Whether requests for a pattern of elements can be for an operation; undefined stands for any text. */
  mayBeFor({ template }: Described, elements: readonly (string | undefined)[], prefix: boolean): boolean {
    return this.#bases.some((base) => {
      const wanted = [...base, ...template.elements];
      if (prefix ? wanted.length < elements.length : wanted.length !== elements.length) return false;
      return elements.every((text, index) => {
        const element = wanted[index];
        if (text === undefined || (typeof element === 'object' && element.kind === 'parameter')) return true;
        return same(typeof element === 'object' ? element.text : (element ?? ''), text);
      });
    });
  }

  #describe(): Described[] {
    const paths = mappingOf(this.#document.paths);
    if (paths === undefined) throw new DocumentRefused('it has no "paths"');
    const described: Described[] = [];
    for (const [source, value] of Object.entries(paths)) {
      if (source.startsWith('x-')) continue;
      const item = resolved(this.#document, { value, pointer: below('#/paths', source) });
      const template = compileTemplate(source, below('#/paths', source));
      for (const method of methods) {
        const operation = mappingOf(item.value)?.[method];
        if (operation !== undefined) described.push(describe(method, template, item, operation));
      }
    }
    return described.sort((a, b) => comparedTemplates(a.template, b.template));
  }
}

function describe(method: string, template: PathTemplate, item: Located, value: unknown): Described {
  const operation = { value, pointer: below(item.pointer, method) };
  const mapping = mappingOf(value);
  if (mapping === undefined) throw new DocumentRefused(`${operation.pointer} is no operation`);
  const id = typeof mapping.operationId === 'string' ? mapping.operationId : undefined;
  return { method: method.toUpperCase(), id, template, item, operation };
}

/** Text before a parameter, from the left. */
function comparedTemplates(a: PathTemplate, b: PathTemplate): number {
  for (let index = 0; index < Math.min(a.elements.length, b.elements.length); index++) {
    const difference = rank(a.elements[index]) - rank(b.elements[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function rank(element: TemplateElement | undefined): number {
  if (element?.kind !== 'parameter') return 0;
  return element.before === '' && element.after === '' ? 2 : 1;
}

/**
 * Case and a slash at the end are not told apart: whether the backend does is not known here, and a request that is
 * compared with one operation too many is not less safe.
 */
function fit({ elements }: PathTemplate, raw: readonly string[]): ReadonlyMap<string, string> | undefined {
  const given = raw.length === elements.length + 1 && raw.at(-1) === '' ? raw.slice(0, -1) : raw;
  if (given.length !== elements.length) return undefined;
  const path = new Map<string, string>();
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index] as TemplateElement;
    const text = given[index] as string;
    if (element.kind === 'literal') {
      if (!same(element.text, text)) return undefined;
      continue;
    }
    const { name, before, after } = element;
    if (text.length <= before.length + after.length) return undefined;
    if (!text.startsWith(before) || !text.endsWith(after)) return undefined;
    path.set(name, text.slice(before.length, text.length - after.length));
  }
  return path;
}

function same(wanted: string, raw: string | undefined): boolean {
  if (wanted === raw) return true;
  return raw !== undefined && normalizeEscapes(wanted).toLowerCase() === normalizeEscapes(raw).toLowerCase();
}

/** What stands before the paths: that of each server, which may be relative, or have variables. */
function basesOf(servers: unknown): string[][] {
  const bases = new Map<string, string[]>();
  for (const server of Array.isArray(servers) ? servers : []) {
    const { url, variables } = mappingOf(server) ?? {};
    if (typeof url !== 'string') continue;
    const filled = url.replace(/\{([^{}]+)\}/g, (_, name: string) => {
      return String(mappingOf(mappingOf(variables)?.[name])?.default ?? '');
    });
    const path = (URL.parse(filled, 'http://server.invalid')?.pathname ?? '/').replace(/\/+$/, '');
    bases.set(path, path === '' ? [] : path.slice(1).split('/'));
  }
  return bases.size === 0 ? [[]] : [...bases.values()];
}
