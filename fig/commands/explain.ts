import { METHODS } from 'node:http';
import { styleText } from 'node:util';
import { parseTarget } from '@strangler-fig/facade/check/target';
import { type Candidate, type Explanation, explain } from '@strangler-fig/facade/decide/explain';
import { loadRoutes } from '@strangler-fig/facade/routes/load';
import type { Route } from '@strangler-fig/facade/routes/model';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Command } from 'commander';

interface ExplainOptions {
  readonly header?: readonly string[];
  readonly address: string;
  readonly routes: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `fig explain`: which route answers a request, and why not the others. */
export function registerExplain(program: Command): void {
  program
    .command('explain')
    .summary('say which route answers a request, and why')
    .description(
      'Says which route and backend answer a request, and of every other route that matches its path why it does not. Asks no backend.',
    )
    .argument('<method>', 'the method, such as GET')
    .argument('<path>', 'the path with its query, as it is sent')
    .option('--header <line>', 'a header as "name: value"; may be given several times', collect)
    .option('--address <address>', "the client's address, for sticky: address", '127.0.0.1')
    .option('--routes <file>', 'the routes file', 'routes.yaml')
    .option('--all', 'also list the routes whose path does not match')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 a route answers, 1 no route matches, 2 usage or configuration.

Examples:
  fig explain GET /api/profile/1
  fig explain POST /api/bookings --header 'host: shop.example' --header 'cookie: uid=42'
  fig explain GET '/api/events?page=2' --routes deploy/routes.yaml --all`,
    )
    .action(run);
}

async function run(method: string, path: string, options: ExplainOptions): Promise<void> {
  const request = {
    method: checkedMethod(method),
    target: parseTarget(path, method),
    headers: readHeaders(options.header ?? []),
    clientAddress: options.address,
  };
  const table = await loadRoutes(options.routes, { secrets: 'optional' });
  const explanation = explain(table, request, { all: options.all === true });
  const text = options.json
    ? `${JSON.stringify(asJson(method, path, explanation), undefined, 2)}\n`
    : asText(method, path, explanation);
  process.stdout.write(text);
  if (explanation.decision === undefined) process.exitCode = 1;
}

function collect(line: string, before: readonly string[] = []): string[] {
  return [...before, line];
}

function checkedMethod(method: string): string {
  if (METHODS.includes(method) && method !== 'CONNECT') return method;
  const upper = method.toUpperCase();
  throw new Failure('unknown_method', `There is no method ${JSON.stringify(method)}.`, {
    hint: METHODS.includes(upper) ? `Methods are in capitals: ${upper}.` : 'Such as GET or POST.',
    exitCode: 2,
  });
}

/** Headers as node:http gives them: names in lower case, repeated ones joined. */
function readHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new Failure('bad_header', `${JSON.stringify(line)} is not a header.`, {
        hint: "Write --header 'name: value'.",
        exitCode: 2,
      });
    }
    const key = name.toLowerCase();
    const joint = key === 'cookie' ? '; ' : ', ';
    headers[key] = headers[key] === undefined ? value : `${headers[key]}${joint}${value}`;
  }
  return headers;
}

function asText(
  method: string,
  path: string,
  { decision, asked, notes, candidates, omitted }: Explanation,
): string {
  const lines: string[] = [];
  if (decision === undefined) lines.push(`${method} ${path}: no route matches, the facade answers 404`);
  else {
    lines.push(`${method} ${path} -> ${styled('bold', decision.backend)} (route ${decision.route.name})`);
    if (asked !== path) lines.push(`  the backend is asked for ${asked}`);
    if (decision.bucket !== undefined) lines.push(`  ${weightLine(decision.route, decision.bucket)}`);
    if (decision.setCookie !== undefined) lines.push(`  ${cookieLine(decision.setCookie)}`);
    lines.push(...notes.map((note) => `  ${note}`));
  }
  if (candidates.length > 0) lines.push('', ...candidates.map(candidateLine));
  if (omitted > 0) {
    const what = omitted === 1 ? 'One route has another path' : `${omitted} routes have other paths`;
    lines.push('', styled('dim', `${what}; --all lists them.`));
  }
  return `${lines.join('\n')}\n`;
}

function candidateLine({ route, verdict, reason }: Candidate): string {
  const mark = verdict === 'wins' ? styled('green', '✓') : styled('dim', verdict === 'outranked' ? '·' : '✗');
  return `${mark} ${route.name} (line ${route.at.line}): ${reason}`;
}

function weightLine(route: Route, bucket: number): string {
  const shares = route.shares.map(({ backend, weight }) => `${backend} ${weight}`).join(', ');
  return `weights ${shares}; the client stands at ${percent(bucket)}`;
}

function cookieLine(setCookie: string): string {
  const name = setCookie.split('=', 1)[0];
  return `the request has no ${name} cookie: the client gets a random one, and another side is possible next time`;
}

function asJson(method: string, path: string, { decision, asked, notes, candidates, omitted }: Explanation) {
  return {
    method,
    path,
    route: decision?.route.name,
    backend: decision?.backend,
    bucket: decision?.bucket,
    setCookie: decision?.setCookie,
    forced: decision?.forced,
    asked,
    notes,
    candidates: candidates.map(({ route, verdict, reason }) => ({
      route: route.name,
      line: route.at.line,
      verdict,
      reason,
    })),
    omitted,
  };
}

function percent(bucket: number): string {
  return `${(bucket * 100).toFixed(4)} %`;
}

function styled(style: 'bold' | 'dim' | 'green', text: string): string {
  return styleText(style, text, { stream: process.stdout });
}
