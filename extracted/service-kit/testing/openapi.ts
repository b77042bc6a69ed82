import { Ajv2020 } from 'ajv/dist/2020.js';

interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema?: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description?: string; content?: Record<string, { schema: object }> }>;
}

interface Document {
  openapi: string;
  info: { title?: string; version?: string };
  paths: Record<string, Record<string, Operation>>;
}

/**
 * Finds what makes a document no valid OpenAPI 3.1: missing parts, path parameters that are not declared, and
 * schemas that are not JSON Schema 2020-12. Answers one line for each.
 */
export function faultsOfOpenApi(document: Document): string[] {
  const faults: string[] = [];
  if (!document.openapi.startsWith('3.1.')) faults.push('openapi is not 3.1');
  if (!document.info.title || !document.info.version) faults.push('info lacks title or version');
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      faults.push(...faultsOf(path, operation).map((fault) => `${method.toUpperCase()} ${path}: ${fault}`));
    }
  }
  return faults;
}

/** Every operation of a document, such as 'GET /api/v2/items/{itemId}', sorted; HEAD goes with GET. */
export function operationsOf(document: Document): string[] {
  return Object.entries(document.paths)
    .flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    .filter((operation) => !operation.startsWith('HEAD'))
    .sort();
}

function faultsOf(path: string, operation: Operation): string[] {
  const faults: string[] = [];
  const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
  for (const [, name] of path.matchAll(/\{(\w+)\}/g)) {
    if (!declared.some((parameter) => parameter.name === name && parameter.required === true)) {
      faults.push(`path parameter ${name} is not declared as required`);
    }
  }
  const schemas: (object | undefined)[] = (operation.parameters ?? []).map((parameter) => parameter.schema);
  const bodies = [operation.requestBody, ...Object.values(operation.responses)];
  for (const body of bodies) {
    for (const media of Object.values(body?.content ?? {})) schemas.push(media.schema);
  }
  if (Object.keys(operation.responses).length === 0) faults.push('no responses');
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!response.description) faults.push(`response ${status} lacks a description`);
  }
  for (const schema of schemas) {
    if (schema === undefined) faults.push('a parameter lacks its schema');
    else if (!new Ajv2020({ strict: false }).validateSchema(schema)) {
      faults.push(`not a schema: ${JSON.stringify(schema)}`);
    }
  }
  return faults;
}
