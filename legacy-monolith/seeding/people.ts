import type { User } from '../models/users.ts';
import type { Calendar } from './calendar.ts';
import { createRandom, type Random } from './random.ts';
import { bios, cities, firstNames, lastNames, oddNames } from './words.ts';

/** bcrypt of 'ticketnow', for everybody: one computed hash, with a fixed salt, keeps seeding quick and repeatable. */
const PASSWORD_HASH = '$2b$10$TicketNowSeedSaltFixeOg6I38FLAE3ElbwjiUZeD8X6B1I0WL3C';

const FIRST_MEMBER_DAYS_AGO = 2_200;
const LAST_MEMBER_DAYS_AGO = 130;

/** User 1 is the admin, all others are customers: user2@example.test, user3@example.test, … */
export function* makeUsers(count: number, calendar: Calendar): Generator<User> {
  const random = createRandom('users');
  for (let id = 1; id <= count; id++) {
    const age = (FIRST_MEMBER_DAYS_AGO - LAST_MEMBER_DAYS_AGO) * (1 - (id - 1) / count);
    const joined = -Math.round(LAST_MEMBER_DAYS_AGO + age);
    const created_at = calendar.at(joined, random.int(0, 1_439));
    const updated_at = random.chance(0.5)
      ? created_at
      : calendar.at(random.int(joined + 1, -1), random.int(0, 1_439));
    yield {
      id,
      email: id === 1 ? 'admin@example.test' : `user${id}@example.test`,
      password_hash: PASSWORD_HASH,
      full_name: id === 1 ? 'Box Office' : makeName(id, random),
      phone: random.pick([
        null,
        '',
        `+49 30 ${random.int(100_000, 999_999)}`,
        `(0${random.int(10, 99)}) 555-01 ext. 7`,
      ]),
      city: random.chance(0.2) ? null : random.chance(0.1) ? '' : random.pick(cities),
      bio: random.chance(0.5) ? null : random.chance(0.1) ? '' : random.pick(bios),
      newsletter: random.chance(0.4) ? 1 : 0,
      avatar_file: null,
      role: id === 1 ? 'admin' : 'customer',
      created_at,
      updated_at,
      deleted_at: isDeletedUser(id) ? calendar.at(random.int(-100, -2), random.int(0, 1_439)) : null,
    };
  }
}

/** User 13 is always among the deleted ones. */
function isDeletedUser(id: number): boolean {
  return id === 13 || id % 101 === 0;
}

function makeName(id: number, random: Random): string {
  return id % 9 === 5 ? random.pick(oddNames) : `${random.pick(firstNames)} ${random.pick(lastNames)}`;
}
