import { isText } from '../input.ts';
import type { ProfileChanges } from './users.ts';

type Field = keyof ProfileChanges;

/** Reads one field; undefined when the value is not allowed. */
const readers: { [F in Field]-?: (value: unknown) => ProfileChanges[F] } = {
  full_name: (value) => {
    const name = typeof value === 'string' ? value.trim() : '';
    return name !== '' && isText(name, 100) ? name : undefined;
  },
  phone: (value) => textOrNull(value, 30),
  city: (value) => textOrNull(value, 100),
  bio: (value) => textOrNull(value, 2000),
  newsletter: (value) => {
    if (value === 'Y' || value === true) return 1;
    if (value === 'N' || value === false) return 0;
    return undefined;
  },
};

/** Reads any subset of a profile's fields, in this order; the first wrong one is named. */
export function readProfileChanges(
  body: Record<string, unknown>,
): { changes: ProfileChanges } | { invalid: Field } {
  const changes: ProfileChanges = {};
  for (const field of Object.keys(readers) as Field[]) {
    if (!Object.hasOwn(body, field)) continue;
    const value = readers[field](body[field]);
    if (value === undefined) return { invalid: field };
    Object.assign(changes, { [field]: value });
  }
  return { changes };
}

/** The account page's form as the same fields: left empty is null, and an unticked box is not sent at all. */
export function profileForm(body: Record<string, unknown>): Record<string, unknown> {
  return {
    full_name: body.full_name,
    phone: body.phone || null,
    city: body.city || null,
    bio: body.bio || null,
    newsletter: body.newsletter === 'on' ? 'Y' : 'N',
  };
}

function textOrNull(value: unknown, max: number): string | null | undefined {
  return value === null || isText(value, max) ? value : undefined;
}
