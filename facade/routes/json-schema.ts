import { z } from 'zod';
import { routesFile } from './schema.ts';

/** Where a variable of the environment stands for the value. */
const variable = '\\$\\{';

/**
 * The JSON Schema of routes.yaml, as text, for editors. It is made from the schema that validates; what needs
 * more than one value to judge only `fig validate` can say.
 */
export function routesJsonSchema(): string {
  const schema = z.toJSONSchema(routesFile, {
    target: 'draft-7',
    io: 'input',
    override({ jsonSchema, path }) {
      // Editors see the text before variables are replaced; keys hold none. A description makes a second visit.
      const { pattern } = jsonSchema;
      if (pattern !== undefined && !path.includes('propertyNames') && !pattern.endsWith(variable)) {
        jsonSchema.pattern = `(?:${pattern})|${variable}`;
      }
      if (jsonSchema.type === 'boolean' || jsonSchema.type === 'integer') {
        const { description, ...kind } = jsonSchema;
        for (const key of Object.keys(kind)) delete jsonSchema[key];
        jsonSchema.anyOf = [kind, { type: 'string', pattern: variable }];
      }
    },
  });
  return `${JSON.stringify({ title: 'routes.yaml of the strangler-fig facade', ...schema }, undefined, 2)}\n`;
}
