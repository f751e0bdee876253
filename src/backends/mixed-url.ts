/** Roles that may be kept in different stores. Journals and signals go with persistence, slots with locking. */
export const MIXED_ROLES = ['persistence', 'locking', 'results', 'registration', 'work'] as const;

/** One of {@link MIXED_ROLES}. */
export type MixedRole = (typeof MIXED_ROLES)[number];

/** Where each role is kept, by URL; one that is not named is kept where the steps are. */
export type MixedParts = { persistence: string } & { readonly [role in MixedRole]?: string };

const PREFIX = 'mixed:?';

/** Whether a URL is one of a mixed set. */
export function isMixedUrl(url: string): boolean {
  return url.startsWith(PREFIX);
}

/** The URL of a set whose roles are kept in different stores, e.g. `mixed:?persistence=s3://bucket&locking=redis://host/0`. */
export function mixedUrl(parts: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parts).map(([role, url]) => `${encode(role)}=${encode(url)}`);
  return `${PREFIX}${pairs.join('&')}`;
}

/** What a URL made by {@link mixedUrl} names, unchecked. */
export function mixedParts(url: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(url.slice(PREFIX.length)));
}

/** A mixed URL with another one for each of its parts. */
export function mapMixedUrl(url: string, change: (part: string) => string): string {
  const parts = Object.entries(mixedParts(url)).map(([role, part]) => [role, change(part)]);
  return mixedUrl(Object.fromEntries(parts));
}

/** Only what would end the value, so that people can read it. */
function encode(text: string): string {
  return text.replace(/[%&#+\s]/g, encodeURIComponent);
}
