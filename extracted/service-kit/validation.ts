import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { InvalidInputError } from './problem.ts';

/**
 * Checks requests with the routes' own TypeBox schemas. A body's types must be right as they are; parameters
 * and query values are text by nature, so whole numbers are read from digits there and nothing else is guessed.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema);
  const part = httpPart === 'querystring' ? 'query' : (httpPart ?? 'request');
  return (value: unknown) => {
    const candidate = httpPart === 'body' ? value : readDigits(schema, value);
    if (validator.Check(candidate)) return { value: candidate };
    return { error: describe(part, validator.Errors(candidate)) };
  };
};

interface Finding {
  keyword: string;
  instancePath: string;
  message: string;
  params: object;
}

function describe(part: string, findings: Finding[]): InvalidInputError {
  const found = findings.find((finding) => finding.keyword !== 'boolean') ?? findings[0];
  if (found === undefined) return new InvalidInputError(part, '', 'is invalid');
  const path = found.instancePath.slice(1).replaceAll('/', '.');
  const { requiredProperties, additionalProperties } = found.params as Record<string, string[] | undefined>;
  if (found.keyword === 'required')
    return new InvalidInputError(part, join(path, requiredProperties), 'is missing');
  if (found.keyword === 'additionalProperties' && Array.isArray(additionalProperties)) {
    return new InvalidInputError(part, join(path, additionalProperties), 'is not known');
  }
  return new InvalidInputError(part, path, found.message);
}

function join(path: string, names: string[] | undefined): string {
  const name = names?.[0] ?? '';
  return path === '' ? name : `${path}.${name}`;
}

function readDigits(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const properties = (schema as { properties?: Record<string, { type?: string }> }).properties ?? {};
  const read: Record<string, unknown> = { ...value };
  for (const [name, property] of Object.entries(properties)) {
    const text = read[name];
    if (property.type === 'integer' && typeof text === 'string' && /^-?\d{1,15}$/.test(text)) {
      read[name] = Number(text);
    }
  }
  return read;
}
