import { legacyReplies, redirectLegacy, sendLegacyJson } from '@ticketnow/service-kit/legacy-replies';
import { int, legacyIso } from '@ticketnow/service-kit/legacy-values';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { readChanges, readForm } from './profile-changes.ts';
import type { Profile, Profiles } from './profiles.ts';

/** The old application's paths, answered as it answers them. */
export function legacyRoutes(app: FastifyInstance, profiles: Profiles): void {
  legacyReplies(app);

  app.get('/api/profile/:userId', { schema: getSchema }, async (request, reply) => {
    const { userId } = request.params as { userId: string };
    const profile = await profiles.find(int(userId));
    if (profile === undefined) return sendLegacyJson(reply, 404, { error: 'user not found' });
    const { caller } = request;
    const seesPhone = caller.userId === profile.user_id || caller.role === 'admin';
    return sendLegacyJson(reply, 200, legacyView(seesPhone ? profile : { ...profile, phone: null }));
  });

  app.put('/api/profile/:userId', { schema: putSchema }, async (request, reply) => {
    const { userId } = request.params as { userId: string };
    const { caller } = request;
    if (caller.userId === undefined) return sendLegacyJson(reply, 401, { error: 'login required' });
    if (int(userId) !== caller.userId) return sendLegacyJson(reply, 403, { error: 'not your profile' });
    const { changes, invalid } = readChanges(request.body as object);
    if (invalid !== undefined) return sendLegacyJson(reply, 400, { error: `${invalid} is invalid` });
    const profile = await profiles.change(caller.userId, changes);
    return sendLegacyJson(reply, 200, { ok: true, profile: legacyView(profile) });
  });

  app.post('/account/profile', { schema: formSchema }, async (request, reply) => {
    const { caller } = request;
    if (caller.userId === undefined) return redirectLegacy(reply, '/login');
    const { changes, invalid } = readForm(request.body as Record<string, unknown>);
    if (invalid !== undefined) return redirectLegacy(reply, `/account?error=${invalid}`);
    await profiles.change(caller.userId, changes);
    return redirectLegacy(reply, '/account?saved=1');
  });
}

/** The order of the keys is part of the contract. */
function legacyView(profile: Profile) {
  return {
    user_id: profile.user_id,
    full_name: profile.full_name,
    phone: profile.phone,
    city: profile.city,
    bio: profile.bio,
    newsletter: profile.newsletter ? 'Y' : 'N',
    updated_at: legacyIso(profile.updated_at),
  };
}

const textOrNull = Type.Union([Type.String(), Type.Null()]);

const View = Type.Object({
  user_id: Type.Integer(),
  full_name: Type.String(),
  phone: textOrNull,
  city: textOrNull,
  bio: textOrNull,
  newsletter: Type.Union([Type.Literal('Y'), Type.Literal('N')]),
  updated_at: Type.String({ description: 'ISO 8601, whole seconds.' }),
});

const Failed = Type.Object({ error: Type.String() });
const Params = Type.Object({ userId: Type.String({ description: 'Read as parseInt does.' }) });

const getSchema = {
  summary: 'A profile. The phone is null for everybody but its owner and admins.',
  tags: ['legacy'],
  params: Params,
  response: { 200: View, 404: Failed },
};

const putSchema = {
  summary: 'Changes any of the own full_name, phone, city, bio and newsletter.',
  tags: ['legacy'],
  params: Params,
  response: {
    200: Type.Object({ ok: Type.Literal(true), profile: View }),
    400: Failed,
    401: Failed,
    403: Failed,
    503: Failed,
  },
};

const formSchema = {
  summary: "The account page's form. Redirects to /account?saved=1, /account?error=<field> or /login.",
  tags: ['legacy'],
  consumes: ['application/x-www-form-urlencoded'],
  response: { 302: Type.String({ description: 'Location is absolute.' }) },
};
