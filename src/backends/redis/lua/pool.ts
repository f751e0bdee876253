import { COMMON } from './common.ts';

/**
 * The Lua of work pools. `ARGV[1]` is the name of the pool in each; its channel is `work:POOL`.
 *
 * | key, `{prefix}:work:` before it | holds |
 * |---|---|
 * | `sequence` | the number of the newest item of all pools |
 * | `pools` | set: names of the pools with anything in them |
 * | `item:ID:POOL` | hash: one item; `token` of its claim, empty unless it is claimed; `ended` = status and token of the finish that ended its last attempt |
 * | `pending:POOL` | sorted set of ids by falling priority, then id: what can be claimed |
 * | `delayed:POOL`, `leased:POOL` | sorted sets of ids by when their delay or their lease runs out |
 * | `held:POOL` | sorted set of `worker NUL token NUL id`: what a worker, and what a token, has claimed |
 * | `all:POOL`, `open:POOL`, `poisoned:POOL` | sorted sets of ids in their order; `open` = pending or claimed |
 * | `dedupe:POOL` | hash: dedupe key → id |
 * | `nonces:SESSION` | hash: nonce → id of what one opened store has pushed lately |
 */
export const POOL = `${COMMON}
local base, pool = tag .. ':work:', ARGV[1]
local pending, delayed, leased = base .. 'pending:' .. pool, base .. 'delayed:' .. pool, base .. 'leased:' .. pool
local all, open, poisoned = base .. 'all:' .. pool, base .. 'open:' .. pool, base .. 'poisoned:' .. pool
local held, dedupe, pools = base .. 'held:' .. pool, base .. 'dedupe:' .. pool, base .. 'pools'
local now = now()

local function key_of(id)
  return base .. 'item:' .. id .. ':' .. pool
end

local function tell()
  redis.call('PUBLISH', base .. pool, '')
end
`;

/** Where an item goes. */
export const MOVES = String.raw`
local function queue(id, priority, delay)
  if delay > 0 then
    redis.call('ZADD', delayed, now + delay, id)
  else
    redis.call('ZADD', pending, -tonumber(priority), id)
  end
end

-- Further fields may follow.
local function make_pending(id, priority, delay, ...)
  redis.call('HSET', key_of(id), 'status', 'pending', 'claimable_at', now + delay, 'token', '', ...)
  redis.call('HDEL', key_of(id), 'claimed_by', 'claimed_at', 'finished_at')
  queue(id, priority, delay)
end

local function close(id, status, ...)
  redis.call('HSET', key_of(id), 'status', status, 'finished_at', now, 'token', '', ...)
  redis.call('ZREM', open, id)
end

local function after_failure(id, attempts, max_retries, priority, delay, poison, ...)
  if poison or tonumber(attempts) >= tonumber(max_retries) then
    close(id, 'poisoned', ...)
    redis.call('ZADD', poisoned, 0, id)
  else
    make_pending(id, priority, delay, ...)
  end
end

local function unhold(id, worker, token)
  redis.call('ZREM', leased, id)
  redis.call('ZREM', held, worker .. '\0' .. token .. '\0' .. id)
end

-- An attempt that nobody ended.
local function lose(id, before, after)
  local f = redis.call('HMGET', key_of(id), 'claimed_by', 'token', 'attempts', 'max_retries', 'priority')
  unhold(id, f[1], f[2])
  after_failure(id, f[3], f[4], f[5], 0, false, 'ended', '', 'error', before .. f[1] .. after)
end
`;

/** Fields of an item as scripts return them, after its id. */
const ITEM_FIELDS = [
  'data',
  'status',
  'priority',
  'dedupe',
  'attempts',
  'max_retries',
  'pushed_at',
  'claimable_at',
  'claimed_by',
  'claimed_at',
  'finished_at',
  'error',
  'result',
  'lease_until',
] as const;

const FIELDS = ITEM_FIELDS.map((field) => `'${field}'`).join(', ');

/** Id, {@link ITEM_FIELDS}; false = no such item. */
export const ROW = `
local function row_of(id)
  local row = redis.call('HMGET', key_of(id), ${FIELDS})
  if not row[1] then return false end
  table.insert(row, 1, id)
  return row
end
`;

/** @returns Lua that puts back an item whose attempt was lost, with this error */
export function loseWith(error: (worker: string) => string): string {
  const [before, after] = error('\0').split('\0');
  return `lose(id, [[${before}]], [[${after}]])`;
}
