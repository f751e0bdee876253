import { BUSY_STATES, HELD_STATES } from '../../slot-rules.ts';
import { COMMON } from './common.ts';

/** Fields of an environment as {@link SLOT_SCRIPTS} return them; `fixed` is JSON of those that never change. */
export const ENVIRONMENT_FIELDS = ['fixed', 'state', 'address'] as const;

/** Fields of a slot likewise, after its `version`, which grows with every change. */
export const SLOT_FIELDS = ['fixed', 'state', 'trajectory_id', 'metadata', 'token'] as const;

/**
 * Keys of slots and environments, after `{prefix}:`
 *
 * | key | holds |
 * |---|---|
 * | `environments` | set of ids |
 * | `environment:ID` | hash; `nonce` of the call that added it |
 * | `slots` | sorted set of ids by the order in which they were added |
 * | `slot:ID` | hash; `version`, and `nonce` of the call that changed it last |
 * | `slots-in:ENVIRONMENT`, `slots-of:POOL`, `slots-with:TRAJECTORY` | the same order, of some |
 * | `free-in:ENVIRONMENT` | the same order, of those that are available |
 * | `free:POOL` | sorted set of `created_at NUL environment` by how many are free, of those that are ready and have any |
 */
const SLOTTED = String.raw`${COMMON}
local environments, slots = tag .. ':environments', tag .. ':slots'


-- Says how many slots of an environment can be had.
local function count_free(id)
  local f = redis.call('HMGET', key('environment', id), 'pool', 'created_at', 'state')
  if not f[1] then return end
  local free, member = redis.call('ZCARD', key('free-in', id)), f[2] .. '\0' .. id
  if f[3] == 'ready' and free > 0 then
    redis.call('ZADD', key('free', f[1]), free, member)
  else
    redis.call('ZREM', key('free', f[1]), member)
  end
end

local function slot_row(id)
  local row = redis.call('HMGET', key('slot', id), 'version', ${quoted(SLOT_FIELDS)})
  return row[1] and row
end

-- Brings the indices of a slot up to date; trajectory false = nobody.
local function place(id, state, trajectory)
  local f = redis.call('HMGET', key('slot', id), 'place', 'environment', 'trajectory_id')
  if f[3] and f[3] ~= trajectory then redis.call('ZREM', key('slots-with', f[3]), id) end
  if trajectory then
    redis.call('ZADD', key('slots-with', trajectory), f[1], id)
    redis.call('HSET', key('slot', id), 'trajectory_id', trajectory)
  else
    redis.call('HDEL', key('slot', id), 'trajectory_id')
  end
  redis.call('HSET', key('slot', id), 'state', state)
  if state == 'available' then
    redis.call('ZADD', key('free-in', f[2]), f[1], id)
  else
    redis.call('ZREM', key('free-in', f[2]), id)
  end
  count_free(f[2])
end
`;

/** ARGV: fence key, fence token, id, nonce, pool, created_at, {@link ENVIRONMENT_FIELDS}. */
const ADD_ENVIRONMENT = `
local environment = key('environment', ARGV[3])
local nonce = redis.call('HGET', environment, 'nonce')
if nonce == ARGV[4] then return 'ok' end
if not fenced(ARGV[1], ARGV[2]) then return 'stale' end
if nonce then return 'exists' end
redis.call('HSET', environment, 'nonce', ARGV[4], 'pool', ARGV[5], 'created_at', ARGV[6],
  'fixed', ARGV[7], 'state', ARGV[8], 'address', ARGV[9])
redis.call('SADD', environments, ARGV[3])
return 'ok'
`;

/** ARGV: id, state or empty, then the address if it is to change. @returns 1, or 0 when it is gone or going */
const UPDATE_ENVIRONMENT = `
local environment = key('environment', ARGV[1])
local state = redis.call('HGET', environment, 'state')
if not state or (state == 'destroying' and ARGV[2] ~= '' and ARGV[2] ~= state) then return 0 end
if ARGV[2] ~= '' then redis.call('HSET', environment, 'state', ARGV[2]) end
if ARGV[3] then redis.call('HSET', environment, 'address', ARGV[3]) end
count_free(ARGV[1])
return 1
`;

/** ARGV: id. @returns 1 if nobody holds a slot of it */
const RETIRE_ENVIRONMENT = `
local environment = key('environment', ARGV[1])
local state, busy = redis.call('HGET', environment, 'state'), { ${BUSY_STATES.map((state) => `${state} = true`).join(', ')} }
if not state then return 0 end
if state ~= 'creating' then
  for _, id in ipairs(redis.call('ZRANGE', key('slots-in', ARGV[1]), 0, -1)) do
    if busy[redis.call('HGET', key('slot', id), 'state')] then return 0 end
  end
end
redis.call('HSET', environment, 'state', 'destroying')
count_free(ARGV[1])
return 1
`;

/** ARGV: id. */
const REMOVE_ENVIRONMENT = String.raw`
local pool, created_at = unpack(redis.call('HMGET', key('environment', ARGV[1]), 'pool', 'created_at'))
if pool then redis.call('ZREM', key('free', pool), created_at .. '\0' .. ARGV[1]) end
for _, id in ipairs(redis.call('ZRANGE', key('slots-in', ARGV[1]), 0, -1)) do
  local f = redis.call('HMGET', key('slot', id), 'pool', 'trajectory_id')
  redis.call('ZREM', slots, id)
  redis.call('ZREM', key('slots-of', f[1]), id)
  if f[2] then redis.call('ZREM', key('slots-with', f[2]), id) end
  redis.call('DEL', key('slot', id))
end
redis.call('DEL', key('environment', ARGV[1]), key('slots-in', ARGV[1]), key('free-in', ARGV[1]))
redis.call('SREM', environments, ARGV[1])
`;

/** ARGV: ids. @returns {@link ENVIRONMENT_FIELDS} of those there are */
const ENVIRONMENTS = `
local rows = {}
for _, id in ipairs(ARGV) do
  local row = redis.call('HMGET', key('environment', id), ${quoted(ENVIRONMENT_FIELDS)})
  if row[1] then rows[#rows + 1] = row end
end
return rows
`;

/** ARGV: each slot: id, environment, pool, {@link SLOT_FIELDS} with an empty text for nobody. @returns the id of an environment that is missing, or false */
const ADD_SLOTS = `
for i = 1, #ARGV, 8 do
  if redis.call('EXISTS', key('environment', ARGV[i + 1])) == 0 then return ARGV[i + 1] end
end
for i = 1, #ARGV, 8 do
  local id, environment, pool = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('EXISTS', key('slot', id)) == 0 then
    local number = redis.call('INCR', tag .. ':slot-number')
    redis.call('HSET', key('slot', id), 'version', 0, 'place', number, 'environment', environment, 'pool', pool,
      'fixed', ARGV[i + 3], 'metadata', ARGV[i + 6], 'token', ARGV[i + 7])
    for _, set in ipairs({ slots, key('slots-in', environment), key('slots-of', pool) }) do
      redis.call('ZADD', set, number, id)
    end
    place(id, ARGV[i + 4], ARGV[i + 5] ~= '' and ARGV[i + 5])
  end
end
return false
`;

/** Takes the slot this trajectory holds in the pool, or one of the fullest environment. ARGV: fence key, fence token, pool, trajectory. @returns 'stale', a row, or false */
const ACQUIRE = `
if not fenced(ARGV[1], ARGV[2]) then return 'stale' end
local pool, trajectory, held = ARGV[3], ARGV[4], { ${HELD_STATES.map((state) => `${state} = true`).join(', ')} }
local found
for _, id in ipairs(redis.call('ZRANGE', key('slots-with', trajectory), 0, -1)) do
  local f = redis.call('HMGET', key('slot', id), 'pool', 'state')
  if f[1] == pool and held[f[2]] then
    found = id
    break
  end
end
if not found then
  local member = redis.call('ZRANGE', key('free', pool), 0, 0)[1]
  if not member then return false end
  local environment = string.sub(member, string.find(member, '\0', 1, true) + 1)
  found = redis.call('ZRANGE', key('free-in', environment), 0, 0)[1]
  place(found, 'acquired', trajectory)
end
redis.call('HINCRBY', key('slot', found), 'token', 1)
redis.call('HINCRBY', key('slot', found), 'version', 1)
redis.call('HDEL', key('slot', found), 'nonce')
return slot_row(found)
`;

/** ARGV: id, nonce, version it must have, state, trajectory or empty, metadata, token. @returns 1 when it is done, 0 when it has changed */
const CHANGE = `
local slot = key('slot', ARGV[1])
local f = redis.call('HMGET', slot, 'nonce', 'version')
if f[1] == ARGV[2] then return 1 end
if f[2] ~= ARGV[3] then return 0 end
place(ARGV[1], ARGV[4], ARGV[5] ~= '' and ARGV[5])
redis.call('HSET', slot, 'nonce', ARGV[2], 'metadata', ARGV[6], 'token', ARGV[7])
redis.call('HINCRBY', slot, 'version', 1)
return 1
`;

/** ARGV: ids. @returns rows of those there are */
const SLOTS = `
local rows = {}
for _, id in ipairs(ARGV) do rows[#rows + 1] = slot_row(id) or nil end
return rows
`;

/** Each script of slots, whole. */
export const SLOT_SCRIPTS = {
  addEnvironment: SLOTTED + ADD_ENVIRONMENT,
  updateEnvironment: SLOTTED + UPDATE_ENVIRONMENT,
  retireEnvironment: SLOTTED + RETIRE_ENVIRONMENT,
  removeEnvironment: SLOTTED + REMOVE_ENVIRONMENT,
  environments: SLOTTED + ENVIRONMENTS,
  addSlots: SLOTTED + ADD_SLOTS,
  acquire: SLOTTED + ACQUIRE,
  change: SLOTTED + CHANGE,
  slots: SLOTTED + SLOTS,
} as const;

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}
