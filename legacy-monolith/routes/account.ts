import type { Express } from 'express';
import type { Database } from '../db/database.ts';
import { decimalMoney, longDate } from '../formats.ts';
import { findableId, int, paging } from '../input.ts';
import { asyncRoute } from '../middleware/async-route.ts';
import { deletePicture, readPicture, savePicture } from '../middleware/avatar-upload.ts';
import { loggedIn, requireLogin } from '../middleware/current-user.ts';
import { redirectTo } from '../middleware/locations.ts';
import { type Booking, listBookings, payBooking } from '../models/bookings.ts';
import { findEvent } from '../models/events.ts';
import { profileForm, readProfileChanges } from '../models/profile-changes.ts';
import { avatarUrl, setAvatar, updateProfile } from '../models/users.ts';

export function accountRoutes(app: Express, db: Database, uploadsDir: string): void {
  app.get(
    '/account',
    requireLogin,
    asyncRoute(async (req, res) => {
      const user = loggedIn(res);
      const page = paging(req.query);
      const { bookings, total } = await listBookings(db, user.id, page);
      res.render('account', {
        avatar: avatarUrl(user),
        bookings: await withTitles(db, bookings),
        page,
        pages: Math.ceil(total / page.per_page),
        message: message(req.query),
        decimalMoney,
        longDate,
      });
    }),
  );

  app.post(
    '/account/profile',
    requireLogin,
    asyncRoute(async (req, res) => {
      const read = readProfileChanges(profileForm(req.body));
      if ('invalid' in read) return redirectTo(req, res, `/account?error=${read.invalid}`);
      await updateProfile(db, loggedIn(res).id, read.changes);
      redirectTo(req, res, '/account?saved=1');
    }),
  );

  app.post(
    '/account/avatar',
    requireLogin,
    readPicture('avatar', (req, res) => redirectTo(req, res, '/account?error=avatar')),
    asyncRoute(async (req, res) => {
      const user = loggedIn(res);
      const file = req.file && (await savePicture(uploadsDir, req.file.buffer));
      if (file === undefined) return redirectTo(req, res, '/account?error=avatar');
      await setAvatar(db, user.id, file);
      if (user.avatar_file !== null) await deletePicture(uploadsDir, user.avatar_file);
      redirectTo(req, res, '/account?saved=1');
    }),
  );

  app.post(
    '/account/bookings/:id/pay',
    requireLogin,
    asyncRoute(async (req, res) => {
      const id = findableId(req.params.id);
      const paid = id !== undefined && (await payBooking(db, id, loggedIn(res).id));
      redirectTo(req, res, paid ? `/account?paid=${id}` : '/account?error=booking');
    }),
  );
}

/** The event's title for each row; a deleted event has none to show any more. */
async function withTitles(
  db: Database,
  bookings: Booking[],
): Promise<(Booking & { title: string | null })[]> {
  const list: (Booking & { title: string | null })[] = [];
  for (const booking of bookings) {
    const event = await findEvent(db, booking.event_id);
    list.push({ ...booking, title: event?.title ?? null });
  }
  return list;
}

const errors = new Map<unknown, string>([
  ['full_name', 'Please enter your name (up to 100 characters).'],
  ['phone', 'That phone number is too long.'],
  ['city', 'That city is too long.'],
  ['bio', 'Please keep it under 2000 characters.'],
  ['newsletter', 'Please tick or untick the newsletter.'],
  ['avatar', 'Please choose a PNG, JPEG or GIF picture of up to 1 MB.'],
  ['booking', 'That booking cannot be paid.'],
]);

function message(query: Record<string, unknown>): { kind: 'good' | 'bad'; text: string } | undefined {
  if (query.error !== undefined)
    return { kind: 'bad', text: errors.get(query.error) ?? 'That did not work.' };
  if (query.paid !== undefined)
    return { kind: 'good', text: `Thank you, booking ${int(query.paid)} is paid.` };
  if (query.saved !== undefined) return { kind: 'good', text: 'Saved.' };
  if (query.booked !== undefined) return { kind: 'good', text: 'Booked. Please pay within 24 hours.' };
  return undefined;
}
