import { constant, copy, utcTime, values } from '../mapping/fields.ts';
import { defineGroup } from '../mapping/group.ts';

/** Bookings and their expiry. A booking made at the monolith never had a reservation at the service. */
export default defineGroup({
  name: 'booking',
  tables: [
    {
      from: 'bookings',
      to: 'bookings',
      key: { from: 'id', to: 'id' },
      writtenBy: 'written_by',
      advanceSequence: true,
      owned: [
        copy('user_id'),
        copy('event_id'),
        copy('num_tickets', 'quantity'),
        copy('unit_price_cents'),
        copy('total_cents'),
        // The service's fifth state, `confirming`, exists only while it makes a booking itself.
        values(
          'status',
          'state',
          { pending: 'pending', paid: 'paid', cancelled: 'cancelled', expired: 'expired' },
          { back: { confirming: 'pending' } },
        ),
        utcTime('created_at'),
        utcTime('expires_at'),
        utcTime('paid_at'),
        utcTime('cancelled_at'),
        constant('reservation_id', null),
      ],
    },
  ],
});
