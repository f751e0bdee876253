import { hashJson } from '../../json.ts';

/** Names of pools that are part of an id as they are: safe for container names and paths, and short. */
const PLAIN = /^[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?$/;

/**
 * The id of the execution that works on an item of a pool: always the same, so that whoever claims the item next goes on with what was done. `rollouts.000000000017`;
 * a name that is not plain or not short is shortened, and made unique by a hash.
 */
export function itemExecutionId(pool: string, itemId: string): string {
  return `${plainName(pool)}.${itemId.replace(/[^A-Za-z0-9_-]/g, '-')}`;
}

function plainName(pool: string): string {
  if (PLAIN.test(pool)) return pool;
  const slug = pool
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 24);
  // A plain name has no dot: the two kinds cannot meet.
  return `${slug || 'pool'}.${hashJson(pool).slice(0, 12)}`;
}
