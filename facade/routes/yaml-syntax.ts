import type { YAMLError } from 'yaml';
import type { Position } from './model.ts';
import type { RouteProblem } from './problem.ts';
import { Lexer } from './yaml.ts';

/** Brackets or dashes within each other; the format needs six. */
export const maxDepth = 64;

/** Tokens of the lexer that stand for nothing in the text: start of a document, of an error, of a scalar. */
const lexerMarks = new Set(['\u0002', '\u0018', '\u001f']);

/**
 * Where brackets or compact block indicators are nested too deeply. Asked of the lexer, which
 * does not recurse, before the parser, which does.
 */
export function tooDeepAt(text: string): Position | undefined {
  let offset = 0;
  let brackets = 0;
  let indicators = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets++;
    else if (token === ']' || token === '}') brackets--;
    else if (token === '-' || token === '?') indicators++;
    else if (token.startsWith('\n') || token.startsWith('\r')) indicators = 0;
    if (brackets > maxDepth || indicators > maxDepth) return positionIn(text, offset);
    if (!lexerMarks.has(token)) offset += token.length;
  }
  return undefined;
}

function positionIn(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

export function tooDeep(at: Position): RouteProblem {
  return {
    code: 'too_deep',
    at,
    message: `More than ${maxDepth} collections stand within each other.`,
    hint: 'Look for a bracket that is never closed.',
  };
}

/** A YAML error in words for people who do not know the parser. */
export function syntaxProblem(error: YAMLError, text: string, at: Position): RouteProblem {
  if (error.code === 'RESOURCE_EXHAUSTION') return tooDeep(at);
  const line = text.split('\n', at.line)[at.line - 1] ?? '';
  if (error.code === 'NON_STRING_KEY') {
    return {
      code: 'yaml_syntax',
      at,
      message: 'A key is not plain text.',
      hint: 'Write keys as "name: value".',
    };
  }
  const message = `${error.message.replace(/;.*$/s, '').replace(/[.:]$/, '')}.`;
  return { code: 'yaml_syntax', at, message, hint: syntaxHint(error.code, line) };
}

function syntaxHint(code: string, line: string): string {
  if (/[{,]\s*[\w"'-]*\s*:\s*\$\{|[[,]\s*\$\{/.test(line))
    return `Within { } or [ ], put a variable in quotes: "\${NAME}".`;
  if (code === 'TAB_AS_INDENT') return 'Indent with spaces.';
  if (code === 'MULTIPLE_DOCS') return 'Remove the line "---".';
  if (code === 'BLOCK_AS_IMPLICIT_KEY')
    return 'Put a value that holds ": " in quotes, or start the next key on its own line.';
  if (code === 'BAD_INDENT' || code === 'MISSING_CHAR')
    return 'Look for a bracket or quote that is not closed, or a line that is not indented like its neighbours.';
  return 'Look at this line and the one before: a missing quote, bracket, colon or space.';
}
