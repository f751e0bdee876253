import { COMMON } from './common.ts';
import { DELIVERY } from './delivery.ts';

/** ARGV: nonce, channel, text, sent_at, milliseconds for which the nonce is remembered. @returns the signal's number */
export const SEND = `${COMMON}${DELIVERY}
local nonce, channel, text, sent_at, memory = unpack(ARGV)
local known = redis.call('GET', key('sent', nonce))
if known then return known end
local n = tostring(redis.call('INCR', tag .. ':signals'))
redis.call('SET', key('sent', nonce), n, 'PX', memory)
redis.call('HSET', key('signal', n), 'channel', channel, 'text', text, 'sent_at', sent_at)
hand_out(n, channel)
tell()
return n
`;

const DESCRIBE = `
local function describe(n)
  local channel, text, sent_at = unpack(redis.call('HMGET', key('signal', n), 'channel', 'text', 'sent_at'))
  return {n, channel or '', text or '', sent_at or ''}
end
`;

/**
 * Registers a wait, or makes it what is asked for now, and takes the head of the queue.
 * ARGV: id, work, channel (empty: it waits for children), deadline (or empty), key and token of the fence, children.
 * @returns `stale` · `ok`, and number, channel, text and sent_at of the signal it has
 */
export const WAIT = `${COMMON}${DELIVERY}${DESCRIBE}
local id, work, channel, deadline, fence_key, fence_token = unpack(ARGV, 1, 6)
if not fenced(fence_key, fence_token) then return {'stale'} end
local w = redis.call('HGET', key('waits-of', id), work)
if not w then
  w = tostring(redis.call('INCR', tag .. ':waits'))
  redis.call('HSET', key('waits-of', id), work, w)
  redis.call('HSET', key('wait', w), 'execution_id', id, 'work', work)
  redis.call('ZADD', tag .. ':waiting', w, w)
end
local wait = key('wait', w)
local known_channel, n = unpack(redis.call('HMGET', wait, 'channel', 'signal'))

if deadline == '' then
  redis.call('HDEL', wait, 'deadline')
  redis.call('ZREM', tag .. ':deadlines', w)
else
  redis.call('HSET', wait, 'deadline', deadline)
  redis.call('ZADD', tag .. ':deadlines', deadline, w)
end

if known_channel and known_channel ~= channel then
  redis.call('HDEL', wait, 'channel')
  redis.call('ZREM', key('waits-on', known_channel), w)
  redis.call('ZREM', key('open', known_channel), w)
end
if channel ~= '' and known_channel ~= channel then
  redis.call('HSET', wait, 'channel', channel)
  redis.call('ZADD', key('waits-on', channel), w, w)
end

local wanted = {}
for i = 7, #ARGV do wanted[ARGV[i]] = true end
for _, child in ipairs(redis.call('SMEMBERS', key('awaits', w))) do
  if wanted[child] then wanted[child] = nil else forget_child(w, child) end
end
for child in pairs(wanted) do
  name_child(w, child)
  local status = redis.call('HGET', key('exec', child), 'status')
  if status == 'completed' or status == 'failed' or status == 'cancelled' then redis.call('SADD', key('ended', w), child) end
end

local is_ready
if channel == '' then
  is_ready = redis.call('SCARD', key('ended', w)) > 0
else
  n = n or take_head(w, channel)
  is_ready = n and true or false
  if not n then redis.call('ZADD', key('open', channel), w, w) end
end
if is_ready then redis.call('ZADD', tag .. ':ready', w, w) else redis.call('ZREM', tag .. ':ready', w) end
if is_ready or deadline ~= '' then tell() end
if channel == '' or not n then return {'ok'} end
return {'ok', unpack(describe(n))}
`;

/**
 * A page of waits, in the order of a set: with the leases of their executions, but those at rest (interrupted, at a limit) are left out if `parked` is 1.
 * ARGV: the set, greatest score, how many to skip, how many to look at, parked.
 * @returns how many were looked at; w, execution_id, work, channel, deadline, signal, holder (empty: nobody whose lease lives) of each
 */
export const WAITS = `${COMMON}
local set, most, skip, page, parked = unpack(ARGV)
local waits = redis.call('ZRANGEBYSCORE', tag .. ':' .. set, '-inf', most, 'LIMIT', skip, page)
local rows = {}
local time = now()
for _, w in ipairs(waits) do
  local id, work, channel, deadline, n = unpack(redis.call('HMGET', key('wait', w), 'execution_id', 'work', 'channel', 'deadline', 'signal'))
  local status = redis.call('HGET', key('exec', id), 'status')
  if parked == '0' or not status or status == 'waiting' or status == 'running' then
    local holder, expires = unpack(redis.call('HMGET', key('lease', id), 'holder', 'expires'))
    if not expires or tonumber(expires) <= time then holder = '' end
    rows[#rows + 1] = {w, id, work, channel or '', deadline or '', n or '', holder}
  end
end
return {#waits, rows}
`;

/** A page of queued signals. ARGV: the set, the number after which to begin, how many. @returns number, channel, text and sent_at of each */
export const QUEUED = `${COMMON}${DESCRIBE}
local found = {}
for _, n in ipairs(redis.call('ZRANGEBYSCORE', tag .. ':' .. ARGV[1], '(' .. ARGV[2], '+inf', 'LIMIT', 0, ARGV[3])) do
  found[#found + 1] = describe(n)
end
return found
`;
