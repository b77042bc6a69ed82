import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const folder = path.dirname(require.resolve('yaml/package.json'));

/**
 * The yaml package as it is built for browsers. Its build for Node is the same and takes half as long again, because
 * it looks for a debugging switch in process.env at each token.
 */
export const { LineCounter, Lexer, parseDocument } = require(
  path.join(folder, 'browser', 'index.js'),
) as typeof import('yaml');
