import { copy, integer, utcTime } from '../mapping/fields.ts';
import { defineGroup } from '../mapping/group.ts';

/** The profile's columns of `users`. Login, role and avatar stay with the monolith. */
export default defineGroup({
  name: 'profile',
  tables: [
    {
      from: 'users',
      to: 'profiles',
      key: { from: 'id', to: 'user_id' },
      writtenBy: 'written_by',
      rowsFrom: 'legacy',
      absentWhenSet: 'deleted_at',
      owned: [
        copy('full_name'),
        copy('phone'),
        copy('city'),
        copy('bio'),
        integer('newsletter'),
        utcTime('updated_at'),
      ],
    },
  ],
});
