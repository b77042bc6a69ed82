/** Holds the name of the feed that writes, for the time of its transaction; SQLite's triggers look at it. */
export const originTable = 'strangler_origin';

/** The same on PostgreSQL: a setting of the transaction. */
export const originSetting = 'strangler.origin';
