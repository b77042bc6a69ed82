import type { Express } from 'express';
import type { Database } from '../../db/database.ts';
import { isoTime, slashDate } from '../../formats.ts';
import { findableId } from '../../input.ts';
import { asyncRoute } from '../../middleware/async-route.ts';
import { currentUser, loggedIn, requireLoginApi } from '../../middleware/current-user.ts';
import { readProfileChanges } from '../../models/profile-changes.ts';
import { avatarUrl, findUser, type User, updateProfile } from '../../models/users.ts';

export function usersApi(app: Express, db: Database): void {
  app.get('/api/me', requireLoginApi, (_req, res) => {
    const { id, email, full_name, role } = loggedIn(res);
    res.json({ id, email, full_name, role });
  });

  app.get(
    '/api/users/:id',
    asyncRoute(async (req, res) => {
      const user = await findById(db, req.params.id);
      if (user === undefined) {
        res.status(404).json({ error: 'user not found' });
        return;
      }
      res.json({
        id: user.id,
        full_name: user.full_name,
        member_since: slashDate(user.created_at),
        avatar_url: avatarUrl(user),
      });
    }),
  );

  app.get(
    '/api/profile/:userId',
    asyncRoute(async (req, res) => {
      const user = await findById(db, req.params.userId);
      if (user === undefined) {
        res.status(404).json({ error: 'user not found' });
        return;
      }
      const viewer = currentUser(res);
      const mayCall = viewer !== undefined && (viewer.id === user.id || viewer.role === 'admin');
      res.json(profileJson(mayCall ? user : { ...user, phone: null }));
    }),
  );

  app.put(
    '/api/profile/:userId',
    requireLoginApi,
    asyncRoute(async (req, res) => {
      const { id } = loggedIn(res);
      if (findableId(req.params.userId) !== id) {
        res.status(403).json({ error: 'not your profile' });
        return;
      }
      const read = readProfileChanges(req.body);
      if ('invalid' in read) {
        res.status(400).json({ error: `${read.invalid} is invalid` });
        return;
      }
      await updateProfile(db, id, read.changes);
      const user = await findUser(db, id);
      if (user === undefined) throw new Error(`user ${id} vanished during the update`);
      res.json({ ok: true, profile: profileJson(user) });
    }),
  );
}

async function findById(db: Database, param: unknown): Promise<User | undefined> {
  const id = findableId(param);
  return id === undefined ? undefined : findUser(db, id);
}

function profileJson(user: User) {
  return {
    user_id: user.id,
    full_name: user.full_name,
    phone: user.phone,
    city: user.city,
    bio: user.bio,
    newsletter: user.newsletter ? 'Y' : 'N',
    updated_at: isoTime(user.updated_at),
  };
}
