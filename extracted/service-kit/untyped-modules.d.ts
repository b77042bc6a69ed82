declare module 'etag' {
  /** The entity tag of a body, as Express 4 makes it; weak ones start with W/. */
  export default function etag(body: string | Buffer, options?: { weak?: boolean }): string;
}

declare module 'fresh' {
  /** Whether the client's copy, described by its conditional headers, is still the answer. */
  export default function fresh(
    request: Record<string, string | string[] | undefined>,
    response: Record<string, string | number | string[] | undefined>,
  ): boolean;
}
