/**
 * The moves of signals between queues and waits, and what makes waits ready. All of it is part of somebody's script, after `COMMON`.
 * `over(id, work, fate)` ends the journals and waits of work up to `work`. `ended(id, yes)` tells those who wait for this execution.
 */
export const DELIVERY = `
local function tell() redis.call('PUBLISH', tag .. ':ready', '') end

local function hand_out(n, channel)
  local open = key('open', channel)
  local waits = redis.call('ZRANGE', open, 0, -1)
  redis.call('DEL', open)
  for _, w in ipairs(waits) do
    redis.call('HSET', key('wait', w), 'signal', n)
    redis.call('ZADD', tag .. ':ready', w, w)
  end
  redis.call('HSET', key('signal', n), 'given', #waits, 'held', #waits)
  if #waits == 0 then
    redis.call('ZADD', key('queue', channel), n, n)
    redis.call('ZADD', tag .. ':queued', n, n)
  end
end

local function take_head(w, channel)
  local n = redis.call('ZRANGE', key('queue', channel), 0, 0)[1]
  if not n then return nil end
  redis.call('ZREM', key('queue', channel), n)
  redis.call('ZREM', tag .. ':queued', n)
  redis.call('HSET', key('signal', n), 'given', 1, 'held', 1)
  redis.call('HSET', key('wait', w), 'signal', n)
  return n
end

local function name_child(w, child)
  redis.call('SADD', key('awaits', w), child)
  redis.call('SADD', key('awaited-by', child), w)
end

local function forget_child(w, child)
  redis.call('SREM', key('awaits', w), child)
  redis.call('SREM', key('ended', w), child)
  redis.call('SREM', key('awaited-by', child), w)
end

local function drop_wait(id, work, w, fate)
  local wait = redis.call('HMGET', key('wait', w), 'channel', 'signal')
  local channel, n = wait[1], wait[2]
  for _, child in ipairs(redis.call('SMEMBERS', key('awaits', w))) do forget_child(w, child) end
  redis.call('DEL', key('wait', w))
  redis.call('HDEL', key('waits-of', id), work)
  for _, set in ipairs({'waiting', 'ready', 'deadlines'}) do redis.call('ZREM', tag .. ':' .. set, w) end
  if channel then
    redis.call('ZREM', key('waits-on', channel), w)
    redis.call('ZREM', key('open', channel), w)
  end
  if not n then return end
  local signal = redis.call('HMGET', key('signal', n), 'given', 'channel')
  if not signal[2] then return end
  if fate == 'returned' and signal[1] == '1' then hand_out(n, signal[2])
  elseif redis.call('HINCRBY', key('signal', n), 'held', -1) <= 0 then redis.call('DEL', key('signal', n)) end
end

local function over(id, work, fate)
  local works = key('works', id)
  for _, one in ipairs(redis.call('ZRANGEBYSCORE', works, '-inf', work)) do
    redis.call('UNLINK', tag .. ':journal:' .. one .. ':' .. id)
    redis.call('ZREM', works, one)
  end
  local waits = redis.call('HGETALL', key('waits-of', id))
  local most = work == '+inf' and math.huge or tonumber(work)
  for i = 1, #waits, 2 do
    if tonumber(waits[i]) <= most then drop_wait(id, waits[i], waits[i + 1], fate) end
  end
end

local function ended(id, yes)
  for _, w in ipairs(redis.call('SMEMBERS', key('awaited-by', id))) do
    if yes then
      redis.call('SADD', key('ended', w), id)
      redis.call('ZADD', tag .. ':ready', w, w)
    else
      redis.call('SREM', key('ended', w), id)
      if redis.call('SCARD', key('ended', w)) == 0 then redis.call('ZREM', tag .. ':ready', w) end
    end
  end
end
`;
