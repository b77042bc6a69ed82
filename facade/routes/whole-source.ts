import type { YAMLError } from 'yaml';
import type { Variables } from './environment.ts';
import type { Position } from './model.ts';
import type { RouteProblem } from './problem.ts';
import type { Source } from './source.ts';
import { TooMuch, ValueReader } from './values.ts';
import { LineCounter, parseDocument } from './yaml.ts';
import { syntaxProblem, tooDeep, tooDeepAt } from './yaml-syntax.ts';

/** Reads YAML as one document, whatever is in it. Takes long for a long one, and does not pause. */
export function readWhole(text: string, variables: Variables): Source {
  const depth = tooDeepAt(text);
  if (depth !== undefined) return unreadable([tooDeep(depth)]);

  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const document = parseDocument(text, { lineCounter: lines, stringKeys: true, prettyErrors: false });
  const syntax = document.errors.find((error) => error.code !== 'DUPLICATE_KEY');
  if (syntax !== undefined) return unreadable([syntaxProblem(syntax, text, position(syntax.pos[0]))]);

  const problems = document.errors.map((error) => duplicateKey(error, text, position(error.pos[0])));
  for (const warning of document.warnings) {
    const at = position(warning.pos[0]);
    const message = `${warning.message}.`;
    problems.push({ code: 'yaml_syntax', at, message, hint: 'Use plain values, without tags.' });
  }
  const reader = new ValueReader(position, variables);
  const root = document.contents;
  let value: unknown;
  try {
    value = reader.convert(root, []);
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    return unreadable([...problems, ...reader.problems, tooManyAliases(error.at)]);
  }
  return {
    value,
    substituted: reader.substituted,
    unresolved: reader.unresolved,
    problems: [...problems, ...reader.problems],
    valueAt: (path) => reader.locate(root, path).value,
    keyAt: (path) => reader.locate(root, path).key,
    textAt: (path) => reader.locate(root, path).text,
  };
}

function unreadable(problems: readonly RouteProblem[]): Source {
  const nowhere = { line: 1, column: 1 };
  return {
    value: undefined,
    substituted: new Set(),
    unresolved: new Set(),
    problems,
    valueAt: () => nowhere,
    keyAt: () => nowhere,
    textAt: () => undefined,
  };
}

function duplicateKey(error: YAMLError, text: string, at: Position): RouteProblem {
  const key = /^[^:\s,}]*/.exec(text.slice(error.pos[0]))?.[0] ?? '';
  return {
    code: 'duplicate_key',
    at,
    message: `The key "${key}" is here a second time.`,
    hint: 'Keep one of the two.',
  };
}

function tooManyAliases(at: Position): RouteProblem {
  return {
    code: 'too_many_aliases',
    at,
    message: 'Aliases make the file stand for far more than it holds, or for itself.',
    hint: 'Write the values out.',
  };
}
