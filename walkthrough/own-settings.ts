/** Any free ports and no database of somebody else's, whatever the environment says. */
export const ownSettings: Readonly<Record<string, string | undefined>> = {
  MONOLITH_PORT: '0',
  INVENTORY_PORT: '0',
  PROFILE_PORT: '0',
  BOOKING_PORT: '0',
  SYNC_PORT: '0',
  FACADE_PORT: '0',
  FACADE_ADMIN_PORT: '0',
  LEGACY_DATABASE_URL: undefined,
  INVENTORY_DATABASE_URL: undefined,
  PROFILE_DATABASE_URL: undefined,
  BOOKING_DATABASE_URL: undefined,
  UPLOADS_DIR: undefined,
};
