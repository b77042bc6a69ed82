/**
 * The name that a backend's certificate must have: its own, not the Host that the client asked for, which is what
 * undici takes otherwise. Undefined for plain HTTP.
 */
export function certifiedName({ url }: { readonly url: string }): string | undefined {
  return url.startsWith('https:') ? new URL(url).hostname : undefined;
}
