import { COMMON } from './common.ts';

/**
 * Adds an entry. Its place in the order is how many there were: single ones are never removed.
 * ARGV: id, work, key, nonce, entry, key and token of the fence.
 * @returns `ok` · `stale` · `conflict`
 */
export const APPEND = `${COMMON}
local id, work, entry_key, nonce, entry, fence_key, fence_token = unpack(ARGV)
local journal = tag .. ':journal:' .. work .. ':' .. id
local known = redis.call('HGET', journal, entry_key)
if known and string.sub(known, 1, #nonce + 1) == nonce .. ' ' then return 'ok' end
if not fenced(fence_key, fence_token) then return 'stale' end
if known then return 'conflict' end
local place = redis.call('HLEN', journal)
redis.call('HSET', journal, entry_key, nonce .. ' ' .. place .. ' ' .. entry)
if place == 0 then redis.call('ZADD', key('works', id), work, work) end
return 'ok'
`;
