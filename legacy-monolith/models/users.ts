import type { Queries } from '../db/database.ts';
import { now } from '../formats.ts';

export interface User {
  id: number;
  email: string;
  password_hash: string;
  full_name: string;
  phone: string | null;
  city: string | null;
  bio: string | null;
  newsletter: number;
  /** File name in the uploads folder. */
  avatar_file: string | null;
  role: 'customer' | 'admin';
  created_at: string;
  updated_at: string;
  deleted_at: string | null;
}

/** What a user may change of the own profile. */
export type ProfileChanges = Partial<Pick<User, 'full_name' | 'phone' | 'city' | 'bio' | 'newsletter'>>;

export function findUser(db: Queries, id: number): Promise<User | undefined> {
  return db.one<User>('SELECT * FROM users WHERE id = ? AND deleted_at IS NULL', [id]);
}

export function findUserByEmail(db: Queries, email: string): Promise<User | undefined> {
  return db.one<User>('SELECT * FROM users WHERE email = ? AND deleted_at IS NULL', [email]);
}

/** Answers the new user's id, or undefined when the email is taken (by a deleted user, too). */
export async function createUser(
  db: Queries,
  user: Pick<User, 'email' | 'password_hash' | 'full_name'>,
): Promise<number | undefined> {
  const time = now();
  const row = await db.one<{ id: number }>(
    `INSERT INTO users (email, password_hash, full_name, newsletter, role, created_at, updated_at)
     VALUES (?, ?, ?, 0, 'customer', ?, ?) ON CONFLICT (email) DO NOTHING RETURNING id`,
    [user.email, user.password_hash, user.full_name, time, time],
  );
  return row?.id;
}

export async function updateProfile(db: Queries, id: number, changes: ProfileChanges): Promise<void> {
  // The keys come from ProfileChanges, never from a request.
  const columns = Object.entries(changes);
  const assignments = columns.map(([column]) => `${column} = ?, `).join('');
  await db.run(`UPDATE users SET ${assignments}updated_at = ? WHERE id = ?`, [
    ...columns.map(([, value]) => value),
    now(),
    id,
  ]);
}

export async function setAvatar(db: Queries, id: number, file: string): Promise<void> {
  await db.run('UPDATE users SET avatar_file = ?, updated_at = ? WHERE id = ?', [file, now(), id]);
}

export function avatarUrl(user: User): string | null {
  return user.avatar_file === null ? null : `/uploads/${user.avatar_file}`;
}
