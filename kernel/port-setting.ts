import { Failure } from './failure.ts';

/**
 * The port that a setting names.
 * @param value as given; undefined or empty takes the default.
 * @param name of the setting, for messages.
 * @throws Failure `port_invalid` (exit code 2)
 */
export function portSetting(value: string | undefined, name: string, byDefault: number): number {
  if (value === undefined || value === '') return byDefault;
  const port = Number(value);
  if (/^\d{1,5}$/.test(value) && port <= 65_535) return port;
  throw new Failure('port_invalid', `${name} is "${value}", which is not a port.`, {
    hint: 'Give a number from 0 (any free one) to 65535.',
    exitCode: 2,
  });
}
