import { RE2JS, RE2JSException } from 're2js';
import { DocumentRefused } from './json-pointer.ts';

const longestPattern = 1024;

interface LinearPattern {
  test(text: string): boolean;
  /** By which ajv knows one pattern from another. */
  toString(): string;
}

/**
 * The engine that patterns of a document run on: RE2, whose time grows with the text and nothing else. Whoever writes
 * a document is trusted to describe a service, and not to know which regular expressions blow up.
 */
export const linearPatterns = Object.assign(
  (pattern: string): LinearPattern => {
    if (pattern.length > longestPattern) {
      throw new DocumentRefused(`a pattern in it has more than ${longestPattern} characters`);
    }
    try {
      const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
      return { test: (text) => compiled.matcher(text).find(), toString: () => pattern };
    } catch (error) {
      if (!(error instanceof RE2JSException)) throw error;
      const shown = pattern.length > 80 ? `${pattern.slice(0, 79)}…` : pattern;
      throw new DocumentRefused(
        `the pattern ${JSON.stringify(shown)} in it cannot be used (${error.message}): look-arounds and back-references are not supported, so that no request can make matching slow`,
      );
    }
  },
  // Only code that ajv writes to files would use it.
  { code: 'linearPatterns' },
);
