import { Failure } from '@strangler-fig/kernel/failure';
import {
  newKey,
  readKeyFile,
  replaceKeyFile,
  type SigningKey,
  standardLead,
  standardOverlap,
} from './key-file.ts';

export interface Rotation {
  /** Milliseconds until the new key signs. Default five minutes: services look at the published keys each minute. */
  readonly lead?: number;
  /** Milliseconds after that for which the old key is published. Default two minutes: identities last one. */
  readonly overlap?: number;
  /** The old keys are known to somebody else: the new one signs at once, and they are published no more. */
  readonly compromised?: boolean;
}

/**
 * Adds a key to a file, and says in it when the new one signs and until when the old ones are published. All that
 * follows is in the file, so that every facade that reads it does the same at the same time.
 * @throws Failure `identity_keys_unusable`; `rotation_under_way` where a new key is waiting already.
 * @returns the keys that are in the file now, without those that have had their time.
 */
export function rotateKeys(file: string, rotation: Rotation = {}): readonly SigningKey[] {
  const { lead = standardLead, overlap = standardOverlap, compromised = false } = rotation;
  const now = Date.now();
  const keys = readKeyFile(file);
  if (compromised) {
    const only = [newKey(now)];
    replaceKeyFile(file, only);
    return only;
  }
  const waiting = keys.find(({ signsFrom }) => signsFrom > now);
  if (waiting !== undefined) {
    const when = new Date(waiting.signsFrom).toISOString();
    throw new Failure('rotation_under_way', `Key ${waiting.kid} is published and signs from ${when}.`, {
      hint: 'Rotate again after that. If the keys are known to somebody, --compromised does not wait.',
      exitCode: 3,
    });
  }
  const signsFrom = now + lead;
  const publishedUntil = signsFrom + overlap;
  const old = keys
    .map((key) => ({ ...key, publishedUntil: key.publishedUntil ?? publishedUntil }))
    .filter((key) => key.publishedUntil > now);
  const all = [...old, newKey(signsFrom)];
  replaceKeyFile(file, all);
  return all;
}
