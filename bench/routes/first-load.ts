import { readFileSync } from 'node:fs';
import { loadRoutesSync } from '@strangler-fig/facade/routes/load';
import { parseDocument } from 'yaml';

// A process that has read nothing yet reads one routes.yaml: as the facade does, or by parsing the text as a whole,
// which is only the first part of it.

const [way, file] = process.argv.slice(2) as [string, string];
const text = readFileSync(file, 'utf8');
const start = performance.now();
if (way === 'whole') parseDocument(text, { stringKeys: true, prettyErrors: false });
else loadRoutesSync(file);
process.send?.({ milliseconds: performance.now() - start });
