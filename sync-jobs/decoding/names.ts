import { createHash } from 'node:crypto';

/** What is kept in the legacy database about the groups that are captured by decoding. */
export const decodingTable = 'strangler_decoding';
/** The replica identity that a table had before it was changed for decoding. */
export const identityTable = 'strangler_decoding_identity';

/** PostgreSQL cuts longer names, silently. */
const longest = 63;

function fitting(name: string): string {
  if (name.length <= longest) return name;
  const end = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, longest - 9)}_${end}`;
}

export function publicationName(group: string): string {
  return fitting(`strangler_${group}`);
}

/** Slots have one name in the whole server, so the database's number is part of it. */
export function slotName(database: string, group: string): string {
  return fitting(`${slotPrefix(database)}${group.replaceAll('-', '_')}`);
}

/** How the names of all slots of one database begin. */
export function slotPrefix(database: string): string {
  return `strangler_${database}_`;
}
