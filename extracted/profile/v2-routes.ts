import { InvalidInputError, ProblemError, problem } from '@ticketnow/service-kit/problem';
import type { Service } from '@ticketnow/service-kit/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { longest, type ProfileField, readChanges } from './profile-changes.ts';
import { type Profile, type Profiles, versionOf } from './profiles.ts';

/** The service's own API: camelCase, ISO times, problem+json, optimistic concurrency by ETag and If-Match. */
export function v2Routes(app: Service, profiles: Profiles): void {
  app.get('/api/v2/profiles/:userId', { schema: getSchema }, async (request, reply) => {
    const profile = await profiles.find(request.params.userId);
    if (profile === undefined) throw notFound(request.params.userId);
    const { caller } = request;
    const seesPhone = caller.userId === profile.user_id || caller.role === 'admin';
    const seen = seesPhone ? profile : { ...profile, phone: null };
    const tag = tagOf(seen);
    reply.headers({ etag: tag, 'cache-control': 'private, no-cache' });
    if (tagsIn(request.headers['if-none-match']).includes(tag)) return reply.code(304).send(null);
    return view(seen);
  });

  app.patch(
    '/api/v2/profiles/:userId',
    { schema: patchSchema, preValidation: requireOwner },
    async (request, reply) => {
      const { changes, invalid } = readChanges(legacyNames(request.body));
      if (invalid !== undefined) throw new InvalidInputError('body', namesHere[invalid], 'is invalid');
      const versions = versionsIn(request.headers['if-match']);
      const profile = await profiles.changeVersion(request.params.userId, versions, changes);
      reply.header('etag', tagOf(profile));
      return view(profile);
    },
  );
}

const namesHere = {
  full_name: 'fullName',
  phone: 'phone',
  city: 'city',
  bio: 'bio',
  newsletter: 'newsletter',
} as const satisfies Record<ProfileField, string>;

function legacyNames({ fullName, ...same }: Static<typeof Changes>): object {
  return fullName === undefined ? same : { ...same, full_name: fullName };
}

/** Before the body is checked: who may not change a profile learns nothing about how. */
async function requireOwner(request: FastifyRequest, _reply: FastifyReply): Promise<void> {
  const { userId } = request.params as { userId: string };
  const { caller } = request;
  if (caller.userId === undefined) {
    throw new ProblemError('login_required', { status: 401, detail: 'Only users can change a profile.' });
  }
  if (String(caller.userId) !== userId) {
    throw new ProblemError('not_your_profile', {
      status: 403,
      detail: 'Users change their own profile only.',
    });
  }
}

function versionsIn(header: string | undefined): string[] | '*' {
  if (header?.trim() === '*') return '*';
  if (header !== undefined && header.trim() !== '') return tagsIn(header).map((tag) => tag.slice(1, -1));
  throw new ProblemError('precondition_required', {
    status: 428,
    detail: 'A change needs If-Match, so that nobody overwrites what he has not seen.',
    hint: 'Send the ETag of the profile as it was read, or * to change it whatever it is.',
  });
}

/** Strong tags only; a weak one never matches (RFC 9110, 13.1.1). For If-None-Match that costs a 200 at most. */
function tagsIn(header: string | undefined): string[] {
  return (header ?? '').split(',').map((tag) => tag.trim());
}

function tagOf(profile: Profile): string {
  return `"${versionOf(profile)}"`;
}

function notFound(userId: number): ProblemError {
  return new ProblemError('profile_not_found', { status: 404, detail: `User ${userId} has no profile.` });
}

function view(profile: Profile): Static<typeof View> {
  return {
    userId: profile.user_id,
    fullName: profile.full_name,
    phone: profile.phone,
    city: profile.city,
    bio: profile.bio,
    newsletter: profile.newsletter !== 0,
    updatedAt: new Date(profile.updated_at).toISOString(),
  };
}

const Params = Type.Object({ userId: Type.Integer({ minimum: 0, maximum: 2_147_483_647 }) });

function textOrNull(maxLength: number) {
  return Type.Union([Type.String({ maxLength }), Type.Null()]);
}

const View = Type.Object({
  userId: Type.Integer(),
  fullName: Type.String(),
  phone: Type.Union([Type.String(), Type.Null()], {
    description: 'Null for everybody but its owner and admins.',
  }),
  city: Type.Union([Type.String(), Type.Null()]),
  bio: Type.Union([Type.String(), Type.Null()]),
  newsletter: Type.Boolean(),
  updatedAt: Type.String({ format: 'date-time' }),
});

const Changes = Type.Object(
  {
    fullName: Type.Optional(Type.String({ minLength: 1, maxLength: longest.full_name })),
    phone: Type.Optional(textOrNull(longest.phone)),
    city: Type.Optional(textOrNull(longest.city)),
    bio: Type.Optional(textOrNull(longest.bio)),
    newsletter: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, minProperties: 1 },
);

const getSchema = {
  summary: 'A profile, with its ETag.',
  tags: ['v2'],
  params: Params,
  response: {
    200: View,
    304: Type.Null({ description: 'It still is the one that If-None-Match names.' }),
    400: problem('invalid_input'),
    404: problem('profile_not_found'),
  },
};

const patchSchema = {
  summary: 'Changes the given fields of the own profile, if it still is the one that If-Match names.',
  tags: ['v2'],
  params: Params,
  headers: Type.Object({
    'if-match': Type.Optional(Type.String({ description: 'The ETag that was read, or *. Required.' })),
  }),
  body: Changes,
  response: {
    200: View,
    400: problem('invalid_input, malformed_json'),
    401: problem('login_required'),
    403: problem('not_your_profile'),
    412: problem('profile_changed'),
    428: problem('precondition_required'),
    503: problem('profile_not_here_yet'),
  },
};
