import { Command } from 'commander';
import { registerExplain } from './commands/explain.ts';
import { registerKeys } from './commands/keys.ts';
import { registerServe } from './commands/serve.ts';
import { registerSync } from './commands/sync/sync.ts';
import { registerValidate } from './commands/validate.ts';
import manifest from './package.json' with { type: 'json' };
import { report, reportAsJson } from './report.ts';

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
  const json = asksForJson(args);
  try {
    await createProgram(json).parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = json ? reportAsJson(error) : report(error);
  }
}

/** Also where the arguments are wrong otherwise: whoever reads the output is a program then, too. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

function createProgram(json: boolean): Command {
  const program = new Command('fig')
    .description('Moves an Express monolith to services one endpoint at a time.')
    .version(version, '--version', 'print the version')
    .showHelpAfterError('Run it with --help to see what it takes.')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput(json ? { writeErr() {} } : {})
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 differences found or a gate refused.
With --json, errors too are JSON on standard output: { "error": { "code", "message", "hint" } }.

Examples:
  fig validate
  fig explain GET /api/profile/1
  fig serve --routes routes.yaml --port 8080
  fig sync status --watch`,
    );
  const commands = [registerValidate, registerExplain, registerServe, registerKeys, registerSync];
  for (const register of commands) register(program);
  return program;
}
