import { styleText } from 'node:util';
import { type CheckedRoutes, checkRoutes } from '@strangler-fig/facade/routes/load';
import { problemLine, RoutesInvalid } from '@strangler-fig/facade/routes/problem';
import type { Command } from 'commander';
import { flat } from '../report.ts';

/** `fig validate`: everything that is wrong with a routes file, at once. */
export function registerValidate(program: Command): void {
  program
    .command('validate')
    .summary('check a routes file')
    .description(
      'Checks a routes file and says everything that is wrong with it, each with its line and what to do. The identity secret need not be set.',
    )
    .argument('[file]', 'the routes file', 'routes.yaml')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 valid, 2 not valid.

Examples:
  fig validate
  fig validate deploy/routes.yaml
  fig validate routes.yaml --json`,
    )
    .action(validate);
}

async function validate(file: string, options: { json?: boolean }): Promise<void> {
  if (options.json) return validateAsJson(file);
  const { table, warnings } = await checkRoutes(file, { secrets: 'optional' });
  const [routes, backends] = [count(table.routes.length, 'route'), count(table.backends.size, 'backend')];
  const verdict = styleText('green', 'valid', { stream: process.stdout });
  process.stdout.write(`${file}: ${routes}, ${backends}, ${verdict}\n`);
  for (const warning of warnings) {
    const line = problemLine(file, { ...warning, code: `warning: ${warning.code}` });
    process.stderr.write(`${styleText('yellow', line, { stream: process.stderr })}\n`);
  }
}

async function validateAsJson(file: string): Promise<void> {
  const checked = await checkRoutes(file, { secrets: 'optional' }).catch((error: unknown) => {
    if (error instanceof RoutesInvalid) return error;
    throw error;
  });
  const result = checked instanceof RoutesInvalid ? invalid(file, checked) : valid(file, checked);
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  if (checked instanceof RoutesInvalid) process.exitCode = checked.exitCode;
}

function valid(file: string, { table, warnings }: CheckedRoutes) {
  const counts = { routes: table.routes.length, backends: table.backends.size };
  return { file, valid: true, digest: table.digest, ...counts, problems: [], warnings: warnings.map(flat) };
}

function invalid(file: string, { problems }: RoutesInvalid) {
  return { file, valid: false, problems: problems.map(flat), warnings: [] };
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}
