import type { BackendOptions, BackendSet } from './interfaces.ts';

/** The URLs that stores were opened with, secrets included. */
const opened = new WeakMap<BackendSet, string>();

/** Keeps the URL that a store was opened with, for {@link reopenUrl}. */
export function rememberUrl(set: BackendSet, url: string, { durability }: BackendOptions): BackendSet {
  const says = durability === undefined || /[?&]durability=/.test(url);
  opened.set(set, says ? url : `${url}${url.includes('?') ? '&' : '?'}durability=${durability}`);
  return set;
}

/** A URL with which another process opens the same store in the same way: **with its secrets**, not for messages. What was not opened by a URL gives its `url`. */
export function reopenUrl(set: BackendSet): string {
  return opened.get(set) ?? set.url;
}
