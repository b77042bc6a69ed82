import { parse, stringify } from 'yaml';
import { type RunningApplication, startApplication } from './running-application.ts';

/** What tests/running-facade.ts offers to the facade's own tests, with an application in the facade's place. */

export async function startRunningFacade(
  yaml: string,
  settings: { env?: Record<string, string> } = {},
): Promise<RunningApplication> {
  const running = await startApplication(withApplication(yaml), {
    ...settings,
    self: 'application',
    fallback: false,
  });
  return { ...running, replaceRoutes: (text) => running.replaceRoutes(withApplication(text)) };
}

/** The facade's tests have no backend that stands for the application. */
function withApplication(yaml: string): string {
  const file = parse(yaml);
  file.backends.application = { url: 'http://127.0.0.1:9' };
  return stringify(file);
}

/** An application before one backend, `origin`, to which everything goes. */
export function startFacadeBefore(
  originPort: number,
  settings: { timeouts?: string; servedBy?: boolean; host?: string } = {},
): Promise<RunningApplication> {
  const timeouts = settings.timeouts ?? '{ connect: 500ms, request: 5s, idle: 5s }';
  return startRunningFacade(`version: 1
servedBy: ${settings.servedBy ?? true}
backends:
  origin: { url: http://127.0.0.1:${originPort}, timeouts: ${timeouts}${settings.host ? `, host: ${settings.host}` : ''} }
routes:
  - { name: all, match: { path: /* }, to: origin }
`);
}

/** node:http puts lines of one name together; of Cookie it makes one line. */
export function passedToBackend(lines: readonly string[]): readonly string[] {
  const cookies = lines.filter(isCookie).map((line) => line.slice(line.indexOf(':') + 2));
  const cookie = lines.findIndex(isCookie);
  const joined = lines.toSpliced(cookie, 1, `Cookie: ${cookies.join('; ')}`);
  return passedToClient(joined.filter((line, index) => index === cookie || !isCookie(line)));
}

/** Under the spelling of the first. */
export function passedToClient(lines: readonly string[]): readonly string[] {
  const byName = new Map<string, string[]>();
  for (const line of lines) {
    const name = nameOf(line);
    const before = byName.get(name.toLowerCase());
    if (before === undefined) byName.set(name.toLowerCase(), [line]);
    else before.push(line.replace(name, nameOf(before[0] as string)));
  }
  return [...byName.values()].flat();
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(':'));
}

function isCookie(line: string): boolean {
  return nameOf(line).toLowerCase() === 'cookie';
}
