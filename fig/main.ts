import { styleText } from 'node:util';
import { Failure } from '@strangler-fig/kernel/failure';
import { Command, CommanderError } from 'commander';
import { registerExplain } from './commands/explain.ts';
import { registerKeys } from './commands/keys.ts';
import { registerServe } from './commands/serve.ts';
import { registerValidate } from './commands/validate.ts';
import manifest from './package.json' with { type: 'json' };

const { version } = manifest;

/**
 * Runs the command line. The exit code is set, not forced, so that output is written to its end:
 * 0 done, 1 failed, 2 usage or configuration, 3 differences found or a gate refused.
 */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that stops early, such as `head`, has what it wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function createProgram(): Command {
  const program = new Command('fig')
    .description('Moves an Express monolith to services one endpoint at a time.')
    .version(version, '--version', 'print the version')
    .showHelpAfterError('Run it with --help to see what it takes.')
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 differences found or a gate refused.

Examples:
  fig validate
  fig explain GET /api/profile/1
  fig serve --routes routes.yaml --port 8080`,
    );
  for (const register of [registerValidate, registerExplain, registerServe, registerKeys]) register(program);
  return program;
}

/** Says what ended a command, and gives its exit code. Only a defect of fig shows a stack trace. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message; help that was asked for is no error.
    return error.exitCode === 0 ? 0 : 2;
  }
  if (error instanceof Failure) {
    process.stderr.write(`${styleText('red', error.line, { stream: process.stderr })}\n`);
    return error.exitCode;
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`This is a defect in fig, please report it:\n${what}\n`);
  return 1;
}
