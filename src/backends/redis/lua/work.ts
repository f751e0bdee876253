import { expiredError, reapedError } from '../../work-rules.ts';
import { loseWith, MOVES, POOL, ROW } from './pool.ts';

/**
 * ARGV: pool, session, JSON of the items, each: nonce, data, max_retries, delay, priority, dedupe or empty; then nonces to forget. Items are one
 * argument, since there may be more of them than a call may have arguments.
 * @returns ids
 */
const PUSH = `
local nonces, ids = base .. 'nonces:' .. ARGV[2], {}
for i, item in ipairs(cjson.decode(ARGV[3])) do
  local nonce, data, max_retries, delay, priority, name = unpack(item)
  local id = redis.call('HGET', nonces, nonce) or (name ~= '' and redis.call('HGET', dedupe, name))
  if not id then
    id = string.format('%012.0f', redis.call('INCR', base .. 'sequence'))
    redis.call('HSET', key_of(id), 'data', data, 'status', 'pending', 'priority', priority, 'attempts', 0,
      'max_retries', max_retries, 'pushed_at', now, 'claimable_at', now + delay)
    if name ~= '' then
      redis.call('HSET', dedupe, name, id)
      redis.call('HSET', key_of(id), 'dedupe', name)
    end
    redis.call('ZADD', all, 0, id)
    redis.call('ZADD', open, 0, id)
    queue(id, priority, delay)
  end
  redis.call('HSET', nonces, nonce, id)
  ids[i] = id
end
redis.call('SADD', pools, pool)
for i = 4, #ARGV do redis.call('HDEL', nonces, ARGV[i]) end
if redis.call('TTL', nonces) < 43200 then redis.call('EXPIRE', nonces, 86400) end
tell()
return ids
`;

/**
 * ARGV: pool, then for each exchange: number of finishes, each: id, token, status, result or error, delay, poison; then 0, or 1 and worker, count, lease, token.
 * @returns outcomes and rows of each
 */
const EXCHANGE = String.raw`
local changed = false

local function finish(id, token, status, said, delay, poison)
  local f = redis.call('HMGET', key_of(id), 'token', 'claimed_by', 'attempts', 'max_retries', 'priority', 'ended',
    'status', 'lease_until', 'error')
  if not f[7] then return 'absent' end
  local mark = status .. ' ' .. token
  if f[6] == mark then return 'ok' end
  if f[7] ~= 'claimed' or f[1] ~= token or tonumber(f[8]) <= now then return 'lost' end
  unhold(id, f[2], token)
  if status == 'done' then
    close(id, 'done', 'ended', mark, 'result', said)
    if f[9] then redis.call('HDEL', key_of(id), 'error') end
  elseif status == 'failed' then
    after_failure(id, f[3], f[4], f[5], tonumber(delay), poison == '1', 'ended', mark, 'error', said)
  else
    make_pending(id, f[5], tonumber(delay), 'ended', mark, 'attempts', f[3] - 1)
  end
  changed = true
  return 'ok'
end

-- What is due becomes claimable, as much of it as these claims need and up to a thousand more, so that no call takes long.
local settled = false

local function put_back()
  local free = redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000)
  for _, id in ipairs(free) do
    redis.call('ZREM', delayed, id)
    queue(id, redis.call('HGET', key_of(id), 'priority'), 0)
  end
  local lost = redis.call('ZRANGE', leased, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000)
  for _, id in ipairs(lost) do
    ${loseWith(expiredError)}
    changed = true
  end
  settled = #free < 1000 and #lost < 1000
end

local function claim(worker, count, lease, token)
  local rows, mine = {}, worker .. '\0' .. token .. '\0'
  for _, member in ipairs(redis.call('ZRANGE', held, '[' .. mine, '(' .. worker .. '\0' .. token .. '\1', 'BYLEX')) do
    local row = row_of(string.sub(member, #mine + 1))
    if tonumber(row[15]) > now then rows[#rows + 1] = row end
  end
  if #rows > 0 then return rows end
  while not settled do
    put_back()
    if redis.call('ZCARD', pending) >= tonumber(count) then break end
  end
  local taken = redis.call('ZPOPMIN', pending, count)
  for i = 1, #taken, 2 do
    local id = taken[i]
    local row = row_of(id)
    row[3], row[6], row[10], row[11], row[15] = 'claimed', row[6] + 1, worker, now, now + lease
    redis.call('HSET', key_of(id), 'status', row[3], 'attempts', row[6], 'claimed_by', worker, 'claimed_at', now,
      'lease_until', row[15], 'token', token)
    redis.call('ZADD', leased, row[15], id)
    redis.call('ZADD', held, 0, mine .. id)
    rows[#rows + 1] = row
  end
  return rows
end

local answers, at = {}, 2
while at <= #ARGV do
  local outcomes, claimed, last = {}, {}, at + 6 * ARGV[at]
  for i = at + 1, last, 6 do
    outcomes[#outcomes + 1] = finish(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5])
  end
  at = last + 2
  if ARGV[last + 1] == '1' then
    at = last + 6
    claimed = claim(ARGV[last + 2], ARGV[last + 3], ARGV[last + 4], ARGV[last + 5])
  end
  answers[#answers + 1] = { outcomes, claimed }
end
if changed then tell() end
return answers
`;

/** ARGV: pool, lease, each: id, token. @returns 1 or 0 for each */
const RENEW = `
local kept = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local f = redis.call('HMGET', key_of(id), 'token', 'lease_until', 'status')
  local mine = f[3] == 'claimed' and f[1] == ARGV[i + 1] and tonumber(f[2]) > now
  if mine then
    redis.call('HSET', key_of(id), 'lease_until', now + ARGV[2])
    redis.call('ZADD', leased, now + ARGV[2], id)
  end
  kept[#kept + 1] = mine and 1 or 0
end
return kept
`;

/** @returns claimable now, delayed, claimed, done, poisoned, and of the claimed ones those that can be claimed again */
const COUNTS = `
local due, reclaimable = redis.call('ZCOUNT', delayed, '-inf', now), 0
for _, id in ipairs(redis.call('ZRANGE', leased, '-inf', now, 'BYSCORE')) do
  local f = redis.call('HMGET', key_of(id), 'attempts', 'max_retries')
  if tonumber(f[1]) < tonumber(f[2]) then reclaimable = reclaimable + 1 end
end
local bad = redis.call('ZCARD', poisoned)
return { redis.call('ZCARD', pending) + due, redis.call('ZCARD', delayed) - due, redis.call('ZCARD', leased),
  redis.call('ZCARD', all) - redis.call('ZCARD', open) - bad, bad, reclaimable }
`;

/** ARGV: pool, ids. @returns rows of those there are */
const ITEMS = `
local rows = {}
for i = 2, #ARGV do rows[#rows + 1] = row_of(ARGV[i]) or nil end
return rows
`;

/**
 * One page of a listing. ARGV: pool, after or empty, how many at most, bytes of data after which the page ends, wanted statuses.
 * @returns the id to go on after, or false at the end; rows
 */
const PAGE = `
local limit, bytes, wanted, set = tonumber(ARGV[3]), tonumber(ARGV[4]), {}, all
for i = 5, #ARGV do wanted[ARGV[i]] = true end
if not wanted.done then
  if not wanted.poisoned then set = open elseif not (wanted.pending or wanted.claimed) then set = poisoned end
end
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local ids = redis.call('ZRANGE', set, from, '+', 'BYLEX', 'LIMIT', 0, limit)
local rows, last, size = {}, false, 0
for _, id in ipairs(ids) do
  last = id
  local row = row_of(last)
  if wanted[row[3]] then
    rows[#rows + 1] = row
    size = size + #row[2] + (row[14] and #row[14] or 0)
    if size > bytes then return { last, rows } end
  end
end
return { #ids >= limit and last, rows }
`;

/** ARGV: pool, worker, how many at most. @returns how many were put back */
const RELEASE = String.raw`
local members = redis.call('ZRANGE', held, '[' .. ARGV[2] .. '\0', '(' .. ARGV[2] .. '\1', 'BYLEX', 'LIMIT', 0, ARGV[3])
for _, member in ipairs(members) do
  local id = string.match(member, '%d+$')
  ${loseWith(reapedError)}
end
if #members > 0 then tell() end
return #members
`;

/** ARGV: pool, ids. @returns how many were poisoned */
const REQUEUE = `
local count = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  if redis.call('ZREM', poisoned, id) == 1 then
    redis.call('ZADD', open, 0, id)
    make_pending(id, redis.call('HGET', key_of(id), 'priority'), 0, 'attempts', 0)
    count = count + 1
  end
end
if count > 0 then tell() end
return count
`;

/** ARGV: pool, ids. @returns how many were there, and not claimed */
const REMOVE = `
local count = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local f = redis.call('HMGET', key_of(id), 'status', 'dedupe')
  if f[1] and f[1] ~= 'claimed' then
    for _, set in ipairs({ pending, delayed, all, open, poisoned }) do redis.call('ZREM', set, id) end
    if f[2] then redis.call('HDEL', dedupe, f[2]) end
    redis.call('UNLINK', key_of(id))
    count = count + 1
  end
end
if redis.call('EXISTS', all) == 0 then redis.call('SREM', pools, pool) end
if count > 0 then tell() end
return count
`;

/** @returns milliseconds until the next delay or lease runs out, below 0 when one has, false when there is none */
const NEXT_CHANGE = `
local first = false
for _, set in ipairs({ delayed, leased }) do
  local score = tonumber(redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2])
  if score and (not first or score < first) then first = score end
end
return first and first - now
`;

/** Each script of work pools, whole. */
export const WORK_SCRIPTS = {
  push: POOL + MOVES + PUSH,
  exchange: POOL + MOVES + ROW + EXCHANGE,
  renew: POOL + RENEW,
  counts: POOL + COUNTS,
  items: POOL + ROW + ITEMS,
  page: POOL + ROW + PAGE,
  release: POOL + MOVES + RELEASE,
  requeue: POOL + MOVES + REQUEUE,
  remove: POOL + REMOVE,
  nextChange: POOL + NEXT_CHANGE,
} as const;
