import { createHash } from 'node:crypto';
import type { GroupCommit } from '@ticketnow/service-kit/group-commit';
import { isLegacyId } from '@ticketnow/service-kit/legacy-values';
import { ProblemError } from '@ticketnow/service-kit/problem';
import type { Kysely } from 'kysely';
import type { ProfileChanges } from './profile-changes.ts';

/** A row of the store. */
export interface Profile {
  user_id: number;
  full_name: string;
  phone: string | null;
  city: string | null;
  bio: string | null;
  newsletter: number;
  /** Epoch milliseconds; grows with every write of this service. */
  updated_at: number;
  written_by: 'sync' | 'service';
}

export interface ProfileSchema {
  profiles: Profile;
}

/** The profiles of all users who have one; a deleted user has none. */
export interface Profiles {
  find(userId: number): Promise<Profile | undefined>;
  /**
   * Changes the given fields in one statement, so that two changes at once never mix within a field, and
   * answers the profile as this change left it, once that is durable.
   * @throws ProfileNotHereYetError
   */
  change(userId: number, changes: ProfileChanges): Promise<Profile>;
  /**
   * The same, if the profile's version is one of those (`'*'`: any).
   * @throws ProfileChangedError, ProfileNotHereYetError
   */
  changeVersion(userId: number, versions: string[] | '*', changes: ProfileChanges): Promise<Profile>;
}

/** Who asks is a user, so a profile will come: the job that copies new users has not got to it. */
export class ProfileNotHereYetError extends ProblemError {
  constructor() {
    super('profile_not_here_yet', {
      status: 503,
      detail: 'Your profile has not arrived in this service yet.',
      hint: 'Nothing was changed; repeat the request in some seconds.',
      retryAfterSeconds: 5,
    });
    this.name = 'ProfileNotHereYetError';
  }
}

/** Somebody else was faster. */
export class ProfileChangedError extends ProblemError {
  constructor() {
    super('profile_changed', {
      status: 412,
      detail: 'The profile is not the one that If-Match names.',
      hint: 'Nothing was changed; GET the profile, and repeat the change with its new ETag.',
    });
    this.name = 'ProfileChangedError';
  }
}

/** Names a profile's content; any change gives another one, also a change that was copied from elsewhere. */
export function versionOf(profile: Profile): string {
  const content = [
    profile.user_id,
    profile.full_name,
    profile.phone,
    profile.city,
    profile.bio,
    profile.newsletter,
    profile.updated_at,
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 22);
}

/** The profiles in a store, written through its group commit. */
export function createProfiles(db: Kysely<ProfileSchema>, commits: GroupCommit): Profiles {
  return {
    async find(userId) {
      if (!isLegacyId(userId)) return undefined;
      return db.selectFrom('profiles').selectAll().where('user_id', '=', userId).executeTakeFirst();
    },

    async change(userId, changes) {
      const update = updateStatement(userId, changes);
      const changed = await commits.submit((tx) => tx.first<Profile>(...update), { lockKey: userId });
      if (changed === undefined) throw new ProfileNotHereYetError();
      return changed;
    },

    async changeVersion(userId, versions, changes) {
      const update = updateStatement(userId, changes);
      const outcome = await commits.submit(
        async (tx) => {
          // Both databases lock a row that an UPDATE touches, and keep it until the commit.
          const lock = 'UPDATE profiles SET user_id = user_id WHERE user_id = ? RETURNING *';
          const current = await tx.first<Profile>(lock, userId);
          if (current === undefined) return 'missing';
          if (versions !== '*' && !versions.includes(versionOf(current))) return 'changed';
          return tx.first<Profile>(...update);
        },
        { lockKey: userId },
      );
      if (outcome === 'changed') throw new ProfileChangedError();
      if (outcome === 'missing' || outcome === undefined) throw new ProfileNotHereYetError();
      return outcome;
    },
  };
}

/** `updated_at` moves on even when the clock has not, or was set back. */
function updateStatement(userId: number, changes: ProfileChanges): [string, ...(string | number | null)[]] {
  // The names come from ProfileChanges, never from a request.
  const fields = Object.entries(changes);
  const now = Date.now();
  return [
    `UPDATE profiles SET ${fields.map(([field]) => `${field} = ?, `).join('')}
       updated_at = CASE WHEN updated_at >= ? THEN updated_at + 1 ELSE ? END, written_by = 'service'
     WHERE user_id = ? RETURNING *`,
    ...fields.map(([, value]) => value),
    now,
    now,
    userId,
  ];
}
