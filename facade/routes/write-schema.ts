// node facade/routes/write-schema.ts: writes facade/routes.schema.json anew after a change of schema.ts.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { routesJsonSchema } from './json-schema.ts';

await writeFile(path.join(import.meta.dirname, '..', 'routes.schema.json'), routesJsonSchema());
