/** Levels of a body; deeper ones are more than a schema that refers to itself can be followed through. */
const deepest = 64;

/** A body that is no JSON, or JSON that two readers might understand in two ways. */
export class BodyRefused extends Error {
  /** Where in it, as a JSON pointer. */
  readonly pointer: string;

  constructor(message: string, pointer = '') {
    super(message);
    this.pointer = pointer;
  }
}

/**
 * Reads JSON. Refused is what the backend may read as something else than what was checked: a member that is there
 * twice, of which some readers take the first; and members by which careless readers change every object
 * (`__proto__`, `constructor.prototype`).
 * @throws BodyRefused
 */
export function readJson(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new BodyRefused('is not UTF-8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BodyRefused('is not JSON');
  }
  checkMembers(text);
  return value;
}

interface Frame {
  /** Undefined for a list. */
  readonly names: Set<string> | undefined;
  /** The name under which it stands, and of a list nothing. */
  readonly name: string;
}

/** @param text valid JSON. */
function checkMembers(text: string): void {
  const frames: Frame[] = [];
  let name = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      frames.push({ names: character === '{' ? new Set() : undefined, name });
      name = '';
      if (frames.length > deepest) throw new BodyRefused(`has more than ${deepest} levels`);
    } else if (character === '}' || character === ']') frames.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      const frame = frames.at(-1);
      if (frame?.names !== undefined && followedByColon(text, end)) {
        name = JSON.parse(text.slice(at, end)) as string;
        checkMember(frame, name, frames);
      }
      at = end - 1;
    } else if (character === ',') name = '';
  }
}

function checkMember({ names, name: parent }: Frame, name: string, frames: readonly Frame[]): void {
  if (names?.has(name)) throw new BodyRefused('has a member twice', pointerTo(frames, name));
  names?.add(name);
  if (name === '__proto__' || (name === 'prototype' && parent === 'constructor')) {
    throw new BodyRefused('has a member that is not allowed', pointerTo(frames, name));
  }
}

/** The place after a string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function followedByColon(text: string, from: number): boolean {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}

/** Places in lists are not counted here. */
function pointerTo(frames: readonly Frame[], name: string): string {
  const steps = [...frames.slice(1).map((frame) => frame.name), name].filter((step) => step !== '');
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
