/** Who makes a request, as far as the facade found out. */
export interface Caller {
  /** The legacy user id as a decimal string; undefined for a visitor who is not logged in. */
  readonly userId: string | undefined;
  readonly role: string | undefined;
}

/** A visitor who is not logged in, or a route that does not ask who its caller is. */
export const anonymous: Caller = Object.freeze({ userId: undefined, role: undefined });
