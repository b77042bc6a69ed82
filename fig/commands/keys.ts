import path from 'node:path';
import { readKeyFile, type SigningKey } from '@strangler-fig/facade/identify/key-file';
import { publishedKeys, signingKey } from '@strangler-fig/facade/identify/key-ring';
import { rotateKeys } from '@strangler-fig/facade/identify/rotate-keys';
import { Failure } from '@strangler-fig/kernel/failure';
import type { Command } from 'commander';

interface KeysOptions {
  readonly keys: string;
  readonly json?: boolean;
}

interface RotateOptions extends KeysOptions {
  readonly lead: string;
  readonly compromised?: boolean;
}

const standardFile = '.data/identity-keys.json';

/** `fig keys`: the keys that identities are signed with. */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').summary('show or rotate the keys that identities are signed with');
  const file = [
    '--keys <file>',
    'the file of keys (`identity.keys` in routes.yaml, or IDENTITY_KEYS_FILE of a service)',
    process.env.IDENTITY_KEYS_FILE || standardFile,
  ] as const;
  keys
    .command('list')
    .summary('say which key signs, and which are published')
    .description('Says which key signs now, which are published, and what is to come. Shows nothing private.')
    .option(...file)
    .option('--json', 'print one JSON object')
    .action((options: KeysOptions) => show(options, readKeyFile(path.resolve(options.keys))));
  keys
    .command('rotate')
    .summary('add a key, which takes over when services know it')
    .description(
      'Adds a new key. It is published at once, signs after --lead, and two minutes later the old one is published no more: all of that stands in the file, so every facade that reads it does the same at the same time. No request is lost.',
    )
    .option(...file)
    .option('--lead <seconds>', 'how long the new key is published before it signs', '300')
    .option(
      '--compromised',
      'the old keys are known to somebody: the new one signs at once, they count no more',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 2 the file cannot be used, 3 a new key is waiting already.

Examples:
  fig keys rotate
  fig keys rotate --keys /keys/identity-keys.json
  fig keys rotate --compromised`,
    )
    .action(rotate);
}

function rotate(options: RotateOptions): void {
  const seconds = /^[0-9]{1,6}$/.test(options.lead) ? Number(options.lead) : Number.NaN;
  if (!(seconds >= 1 && seconds <= 86_400)) {
    throw new Failure('lead_invalid', `--lead is "${options.lead}".`, {
      hint: 'Give a whole number of seconds from 1 to 86400.',
      exitCode: 2,
    });
  }
  const file = path.resolve(options.keys);
  show(options, rotateKeys(file, { lead: seconds * 1000, compromised: options.compromised === true }));
}

function show({ keys: file, json }: KeysOptions, keys: readonly SigningKey[]): void {
  const now = Date.now();
  const published = publishedKeys(keys, now);
  const signing = signingKey(keys, now);
  const shown = keys.map((key) => ({
    kid: key.kid,
    state: key === signing ? 'signs' : published.includes(key) ? waitsOrLeaves(key, now) : 'withdrawn',
    signsFrom: new Date(key.signsFrom).toISOString(),
    publishedUntil: key.publishedUntil === undefined ? null : new Date(key.publishedUntil).toISOString(),
  }));
  if (json) {
    process.stdout.write(`${JSON.stringify({ file, keys: shown }, undefined, 2)}\n`);
    return;
  }
  for (const { kid, state, signsFrom, publishedUntil } of shown) {
    const until = publishedUntil === null ? '' : `, published until ${publishedUntil}`;
    process.stdout.write(`${kid}  ${state.padEnd(9)}  signs from ${signsFrom}${until}\n`);
  }
}

function waitsOrLeaves({ signsFrom }: SigningKey, now: number): 'waits' | 'published' {
  return signsFrom > now ? 'waits' : 'published';
}
