import { styleText } from 'node:util';
import { type RouteProblem, RoutesInvalid } from '@strangler-fig/facade/routes/problem';
import { Failure } from '@strangler-fig/kernel/failure';
import { CommanderError } from 'commander';

/** What a program that asked for JSON is told of a command that ended early. */
interface ReportedError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Of a routes file. */
  readonly problems?: readonly object[] | undefined;
}

/** Says on a terminal what ended a command, and gives its exit code. Only a defect of fig shows a stack trace. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has printed its message; help that was asked for is no error.
    return error.exitCode === 0 ? 0 : 2;
  }
  if (error instanceof Failure) {
    process.stderr.write(`${styleText('red', error.line, { stream: process.stderr })}\n`);
    return error.exitCode;
  }
  process.stderr.write(`This is a defect in fig, please report it:\n${stackOf(error)}\n`);
  return 1;
}

/** The same for a program: one line of JSON on standard output, and nothing on standard error. */
export function reportAsJson(error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  process.stdout.write(`${JSON.stringify({ error: asJson(error) })}\n`);
  if (error instanceof CommanderError) return 2;
  return error instanceof Failure ? error.exitCode : 1;
}

function asJson(error: unknown): ReportedError {
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
    return { code: 'usage', message, hint: 'Run it with --help to see what it takes.' };
  }
  if (!(error instanceof Failure)) return { code: 'defect', message: stackOf(error) };
  const { code, message, hint } = error;
  const problems = error instanceof RoutesInvalid ? error.problems.map(flat) : undefined;
  return { code, message, hint, problems };
}

/** A problem of a routes file, as JSON shows it. */
export function flat({ code, at, message, hint }: RouteProblem) {
  return { code, line: at?.line, column: at?.column, message, hint };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
