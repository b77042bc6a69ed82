import type { z } from 'zod';
import { knownKeys } from './known-keys.ts';
import type { RouteProblem } from './problem.ts';
import { isSecret, type Path, type Source } from './source.ts';
import { suggestion } from './suggest.ts';

type Issue = z.core.$ZodIssue;

/** What the schema finds wrong, in words for people who have never seen the schema. */
export function problemsOf(issue: Issue, source: Source, value: unknown): RouteProblem[] {
  const { path } = issue;
  const what = describe(path, value);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      code: 'unknown_key',
      at: source.keyAt([...path, key]),
      message: path.length === 0 ? `There is no key "${key}".` : `There is no key "${key}" in ${what}.`,
      hint: suggestion(key, knownKeys(path)),
    }));
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? 'is not a name';
    return [
      { code: 'bad_name', at: source.keyAt(path), message: `The key ${what} ${message}.`, hint: undefined },
    ];
  }
  const actual = valueAt(value, path);
  if (actual === undefined) {
    const missing = String(path.at(-1));
    const parent = path.slice(0, -1);
    return [
      {
        code: 'missing_key',
        at: source.valueAt(parent),
        message:
          parent.length === 0
            ? `The key "${missing}" is missing.`
            : `The key "${missing}" is missing in ${describe(parent, value)}.`,
        hint: missingHint(path),
      },
    ];
  }
  const at = source.valueAt(path);
  // What a file looks like that was not written to its end.
  if (actual === null && path.length === 1 && path[0] === 'routes') {
    const message = '"routes" is empty: it must have at least one route.';
    return [{ code: 'bad_value', at, message, hint: missingHint(path) }];
  }
  const shown = shownValue(path, actual);
  if (isWrongKind(issue) || (issue.code === 'custom' && issue.params?.kind !== undefined)) {
    const wanted = isWrongKind(issue) ? `must be ${expected(issue)}` : issue.message;
    const given = typeof actual === 'object' ? `, not ${kindOf(actual)}` : shown;
    return [
      {
        code: 'wrong_type',
        at,
        message: `${capitalize(what)} ${wanted}${given}.`,
        hint: typeHint(path, issue, actual),
      },
    ];
  }
  return [
    {
      code: codeOf(issue, path),
      at,
      message: `${capitalize(what)} ${wording(issue)}${shown}.`,
      hint: valueHint(path, actual),
    },
  ];
}

function codeOf(issue: Issue, path: Path): string {
  if (/duration/.test(issue.message)) return 'bad_duration';
  if (path[2] === 'to') return 'bad_weight';
  if (/must be a (?:share|size)/.test(issue.message)) return 'bad_value';
  if (issue.code === 'invalid_format') return 'bad_name';
  return 'bad_value';
}

function wording(issue: Issue): string {
  if (issue.code === 'too_big' && issue.origin === 'string')
    return `must not have more than ${issue.maximum} characters`;
  if (issue.code === 'too_small' && issue.origin === 'string') return 'must not be empty';
  if (issue.code === 'too_small' && issue.origin === 'array' && /^Too small/.test(issue.message))
    return 'must not be empty';
  return issue.message;
}

/** The value is of another kind than the schema asks for, rather than a bad one of its kind. */
export function isWrongKind(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

/** What the schema asks for, as the end of "must be …". */
export function expected(issue: Issue): string {
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value)).join(' or ');
  if (issue.code !== 'invalid_type') return 'valid';
  const names: Record<string, string> = {
    string: 'text',
    number: 'a whole number',
    int: 'a whole number',
    boolean: 'true or false',
    object: 'a mapping (key: value)',
    record: 'a mapping (name: value)',
    array: 'a list',
  };
  return names[issue.expected] ?? issue.expected;
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  return Array.isArray(value) ? 'a list' : 'a mapping';
}

/** ", not 5": what stands there, unless it is secret, long, or may come with a secret in it. */
function shownValue(path: Path, value: unknown): string {
  if (isSecret(path) || path.at(-1) === 'url' || path.at(-2) === 'urls' || typeof value === 'object')
    return '';
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? '');
  return text.length > 60 ? '' : `, not ${text}`;
}

function typeHint(path: Path, issue: Issue, actual: unknown): string | undefined {
  if (path.length === 1 && path[0] === 'version') return 'This release reads version 1.';
  if (
    issue.code === 'invalid_type' &&
    issue.expected === 'string' &&
    ['number', 'boolean'].includes(typeof actual)
  ) {
    if (isDuration(path) && typeof actual === 'number')
      return `Write a unit: ${String(actual)}ms or ${String(actual)}s.`;
    if (path.at(-1) === 'sample') return 'Write a share of the requests: 10%.';
    if (isShare(path)) return `Write ${String(actual)}%.`;
    if (isSize(path)) return `Write a unit: ${String(actual)}B or ${String(actual)}KiB.`;
    return `Put it in quotes: "${String(actual)}".`;
  }
  if (path[0] === 'routes' && path[2] === 'to' && path.length === 3) {
    return 'Name a backend, or weights such as { monolith: 90, profile: 10 }.';
  }
  if (actual === null) return 'Give it a value, or remove the key.';
  return undefined;
}

function valueHint(path: Path, actual: unknown): string | undefined {
  if (isDuration(path) && typeof actual === 'string') {
    const seconds = /^([0-9]*\.[0-9]+)s$/.exec(actual.trim())?.[1];
    if (seconds !== undefined) return `Write ${Math.round(Number(seconds) * 1000)}ms.`;
    return 'A whole number and ms, s, m or h, without a space.';
  }
  if (path[2] === 'to' && path.length === 4) return 'Weights are shares of the traffic, such as 90 and 10.';
  if (path[2] === 'sticky')
    return 'Write sticky: { cookie: name }, sticky: { header: name } or sticky: address.';
  if (path[2] === 'rateLimit' && path.length === 3) {
    return 'Name one of "rateLimits", or write { requests: 10, per: 1s }.';
  }
  if (path[2] === 'force') return 'Write force: { header: name } or force: { cookie: name }.';
  if (isShare(path)) return 'A number and "%", without a space.';
  if (isLimit(path)) return 'A whole number and B, kB, KiB, MB, MiB, GB or GiB, without a space.';
  if (isSize(path)) return 'A whole number and B, KiB or MiB, without a space.';
  return undefined;
}

function missingHint(path: Path): string | undefined {
  const key = String(path.at(-1));
  const examples: Record<string, string> = {
    version: 'Write "version: 1" at the top.',
    backends: 'Name those who answer: "backends: { monolith: { url: http://127.0.0.1:4000 } }".',
    routes: 'Start with a route that sends everything to the monolith.',
    match: 'Say which requests: "match: { path: /api/* }".',
    path: path[0] === 'routes' ? 'For every path write "path: /*".' : 'Such as /api/me.',
    to: 'Say who answers: "to: monolith".',
    name: 'Give it a name that logs and metrics can show.',
    origins: 'List them: [https://shop.example], or "*" for everybody.',
    openapi: 'Such as "openapi: ./inventory.openapi.yaml".',
    url: 'Such as "url: http://127.0.0.1:4000".',
  };
  return examples[key];
}

function isShare(path: Path): boolean {
  return path.at(-1) === 'sample' || path.at(-1) === 'budget';
}

function isSize(path: Path): boolean {
  return path.at(-1) === 'bodies' || path.at(-1) === 'fallbackBody' || isLimit(path) || isOfAnswers(path);
}

/** Sizes in `cache` and `validate`. */
function isOfAnswers(path: Path): boolean {
  const [of, key] = path.slice(-2);
  return (of === 'cache' && (key === 'answer' || key === 'memory')) || (of === 'validate' && key === 'body');
}

/** Sizes in `limits`, which may be larger than what is kept. */
function isLimit(path: Path): boolean {
  if (path.at(-1) === 'body') return path.at(-2) === 'limits';
  return path.at(-1) === 'size' && path.at(-2) === 'headers';
}

/** Keys of a backend's `health`, `retries`, `breaker`, `bulkhead` and `ejection`. */
const durationsOfBackend = new Set(['interval', 'timeout', 'backoff', 'within', 'coolDown', 'wait', 'for']);

function isDuration(path: Path): boolean {
  if (path[0] === 'backends' && path.length === 4 && durationsOfBackend.has(String(path[3]))) return true;
  return (
    path[2] === 'timeouts' ||
    (path[0] === 'identity' && path.at(-1) === 'cache') ||
    ['clockTolerance', 'delay', 'slow', 'maxAge', 'fresh', 'per'].includes(String(path.at(-1)))
  );
}

/** Names a place in the file as its author would: `"to" of route "profile-read"`. */
function describe(path: Path, value: unknown): string {
  const [section, key, ...inner] = path;
  if (section === undefined) return 'the file';
  if (key === undefined) return `"${String(section)}"`;
  const rest = inner
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');
  const of = inner.length === 0 ? '' : `"${rest}" of `;
  if (section === 'backends') return `${of}backend "${String(key)}"`;
  if (section !== 'routes') return `"${[section, key, ...inner].map(String).join('.')}"`;
  const name = valueAt(value, [section, key, 'name']);
  return `${of}${typeof name === 'string' ? `route "${name}"` : `route ${Number(key) + 1}`}`;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The value at a path, or undefined where there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[step];
  }
  return at;
}
