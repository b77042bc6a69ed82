import type { Profile } from './profiles.ts';

/** What users may change of their own profile. */
export type ProfileChanges = Partial<Pick<Profile, 'full_name' | 'phone' | 'city' | 'bio' | 'newsletter'>>;

/** One of the changeable fields. */
export type ProfileField = keyof ProfileChanges;

/** The most UTF-16 units that a text may have. */
export const longest = { full_name: 100, phone: 30, city: 100, bio: 2000 };

/** Each reads one field; undefined when the value is not allowed. Fields are read in this order. */
const readers: { [Field in ProfileField]-?: (value: unknown) => ProfileChanges[Field] } = {
  full_name: (value) => {
    const name = typeof value === 'string' ? value.trim() : '';
    return name !== '' && isText(name, longest.full_name) ? name : undefined;
  },
  phone: (value) => textOrNull(value, longest.phone),
  city: (value) => textOrNull(value, longest.city),
  bio: (value) => textOrNull(value, longest.bio),
  newsletter: (value) => {
    if (value === 'Y' || value === true) return 1;
    if (value === 'N' || value === false) return 0;
    return undefined;
  },
};

/** The changes, or the first field that is wrong. */
export type ReadChanges =
  | { changes: ProfileChanges; invalid?: undefined }
  | { changes?: undefined; invalid: ProfileField };

/** Reads any subset of the fields and ignores others; the first wrong one is named. */
export function readChanges(input: object): ReadChanges {
  const given = new Map(Object.entries(input));
  const changes: ProfileChanges = {};
  for (const field of Object.keys(readers) as ProfileField[]) {
    if (!given.has(field)) continue;
    const value = readers[field](given.get(field));
    if (value === undefined) return { invalid: field };
    Object.assign(changes, { [field]: value });
  }
  return { changes };
}

/** The account page's form as the same fields: left empty is null, and a box that is not ticked is not sent. */
export function readForm(form: Record<string, unknown>): ReadChanges {
  return readChanges({
    full_name: form.full_name,
    phone: form.phone || null,
    city: form.city || null,
    bio: form.bio || null,
    newsletter: form.newsletter === 'on',
  });
}

function textOrNull(value: unknown, most: number): string | null | undefined {
  return value === null || isText(value, most) ? value : undefined;
}

/** PostgreSQL cannot hold U+0000, and what one store refuses the other shall refuse too. */
function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && !value.includes('\0');
}
