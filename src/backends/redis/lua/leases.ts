import { COMMON } from './common.ts';

/**
 * ARGV: key, milliseconds to live, holder, acquired_at, nonce, token of a holder that is known to be dead (or empty).
 * @returns the token · token and holder of who has it
 */
export const TAKE = `${COMMON}
local of, ttl, holder, acquired_at, nonce, dead = unpack(ARGV)
local lease = key('lease', of)
local token, expires, known_nonce, known_holder = unpack(redis.call('HMGET', lease, 'token', 'expires', 'nonce', 'holder'))
if known_nonce == nonce then return {token} end
if token and tonumber(expires) > now() and token ~= dead then return {token, known_holder} end
token = redis.call('INCR', tag .. ':tokens')
redis.call('HSET', lease, 'token', token, 'holder', holder, 'expires', now() + tonumber(ttl), 'acquired_at', acquired_at, 'nonce', nonce)
return {tostring(token)}
`;

/** ARGV: milliseconds to live, then key and token of each lease. @returns for each 1, or 0 when it is not the newest of its key */
export const RENEW = `${COMMON}
local renewed = {}
local expires = now() + tonumber(ARGV[1])
for i = 2, #ARGV, 2 do
  local newest = fenced(ARGV[i], ARGV[i + 1])
  if newest then redis.call('HSET', key('lease', ARGV[i]), 'expires', expires) end
  renewed[#renewed + 1] = newest and 1 or 0
end
return renewed
`;

/** ARGV: key and token of each lease. */
export const GIVE = `${COMMON}
for i = 1, #ARGV, 2 do
  if fenced(ARGV[i], ARGV[i + 1]) then redis.call('DEL', key('lease', ARGV[i])) end
end
redis.call('PUBLISH', tag .. ':ready', '')
`;

/** ARGV: key. @returns holder, token, acquired_at, milliseconds it still lives; nothing when nobody holds it */
export const HOLDER = `${COMMON}
local holder, token, acquired_at, expires = unpack(redis.call('HMGET', key('lease', ARGV[1]), 'holder', 'token', 'acquired_at', 'expires'))
if not holder then return {} end
return {holder, token, acquired_at, tonumber(expires) - now()}
`;
