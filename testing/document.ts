import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RouteEdit } from '@strangler-fig/facade/routes/edit';

/** Something that a document tells its reader to do. */
export type Step =
  | {
      readonly kind: 'command';
      readonly line: number;
      readonly command: string;
      readonly shows: string | undefined;
    }
  | { readonly kind: 'edit'; readonly line: number; readonly edit: RouteEdit };

/** A document, as far as it can be checked. */
export interface Document {
  readonly file: string;
  /** Commands of its `sh` blocks and the edits noted in comments, in order. */
  readonly steps: readonly Step[];
  /** Complete routes files in its `yaml` blocks. */
  readonly routes: readonly string[];
  /** Relative links, resolved. */
  readonly links: readonly string[];
}

/**
 * Reads a Markdown file. In an `sh` block each line is a command, and `# => text` says what its output shows.
 * `<!-- edit: ROUTE to BACKEND -->` stands where the reader is told to edit routes.yaml; `compare` likewise, without
 * a backend to take it out.
 */
export async function readDocument(file: string): Promise<Document> {
  const text = await readFile(file, 'utf8');
  const steps: Step[] = [];
  const routes: string[] = [];
  let block: { language: string; lines: string[] } | undefined;
  for (const [index, content] of text.split('\n').entries()) {
    const line = index + 1;
    const fence = /^\s*```(\w*)$/.exec(content);
    const edit = /^<!-- edit: (\S+) (to|compare) ?(\S*) -->$/.exec(content);
    if (fence !== null && block === undefined) block = { language: fence[1] ?? '', lines: [] };
    else if (fence !== null) {
      const whole = block?.lines.join('\n') ?? '';
      if (block?.language === 'yaml' && whole.startsWith('version: 1')) routes.push(whole);
      block = undefined;
    } else if (block !== undefined) {
      block.lines.push(content);
      if (block.language === 'sh' && content.trim() !== '') steps.push(commandIn(content, line));
    } else if (edit !== null) {
      const [, route = '', key, value = ''] = edit;
      steps.push({
        kind: 'edit',
        line,
        edit: { route, key: key as 'to', value: value === '' ? undefined : value },
      });
    }
  }
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)];
  return { file, steps, routes, links: links.map(([, to = '']) => path.resolve(path.dirname(file), to)) };
}

function commandIn(content: string, line: number): Step {
  const [command = '', shows] = content.split(/\s+# => /);
  return { kind: 'command', line, command: command.trim(), shows: shows?.trim() };
}
