import type { BackendOptions, BackendSet, Durability } from './interfaces.ts';
import { isMixedUrl, mapMixedUrl } from './mixed-url.ts';

/** The URLs that stores were opened with, secrets included. */
const opened = new WeakMap<BackendSet, string>();

/** Keeps the URL that a store was opened with, for {@link reopenUrl}. */
export function rememberUrl(set: BackendSet, url: string, { durability }: BackendOptions): BackendSet {
  opened.set(set, durability === undefined ? url : withDurability(url, durability));
  return set;
}

/** A URL with which another process opens the same store in the same way: **with its secrets**, not for messages. What was not opened by a URL gives its `url`. */
export function reopenUrl(set: BackendSet): string {
  return opened.get(set) ?? set.url;
}

/** A URL that says what options had said, which win over it. */
function withDurability(url: string, durability: Durability): string {
  if (isMixedUrl(url)) return mapMixedUrl(url, (part) => withDurability(part, durability));
  const query = url.indexOf('?');
  const parameters = query === -1 ? [] : url.slice(query + 1).split('&');
  const others = parameters.filter((one) => one !== '' && !one.startsWith('durability='));
  return `${query === -1 ? url : url.slice(0, query)}?${[...others, `durability=${durability}`].join('&')}`;
}
