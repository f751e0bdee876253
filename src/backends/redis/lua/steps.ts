import { COMMON } from './common.ts';
import { DELIVERY } from './delivery.ts';

const EXECUTION = `
local TERMINAL = {completed = true, failed = true, cancelled = true}

local function unlist(id, status, parent)
  redis.call('ZREM', key('status', status), id)
  redis.call('ZREM', tag .. ':of:' .. status .. ':' .. parent, id)
end

local function list(id, status, parent, score)
  redis.call('ZADD', key('status', status), score, id)
  redis.call('ZADD', tag .. ':of:' .. status .. ':' .. parent, score, id)
end

-- What is shown of an execution becomes what its newest step says. The sets are left alone while it runs: reading them takes care of that.
local function stand(id, known_status, known_parent, new)
  local moves = known_status ~= new.status or known_parent ~= new.parent
  if known_status and moves then unlist(id, known_status, known_parent) end
  if moves or new.status ~= 'running' then list(id, new.status, new.parent, new.score) end
  local exec = key('exec', id)
  redis.call('HSET', exec, 'step', new.step, 'state', new.state, 'updated_at', new.updated_at)
  if moves then redis.call('HSET', exec, 'status', new.status, 'parent', new.parent) end
  local was, is = TERMINAL[known_status or ''] or false, TERMINAL[new.status] or false
  if was ~= is then ended(id, is) end
  return is
end

local function erase(id, known_status, known_parent)
  unlist(id, known_status, known_parent)
  redis.call('ZREM', tag .. ':ids', id)
  redis.call('UNLINK', key('exec', id), key('steps', id), key('origins', id))
  ended(id, false)
end
`;

/**
 * Stores one step with all that belongs to it.
 * ARGV: id, step, nonce, record, key and token of the fence, key and text of the origin (empty: it is there), machine (empty with that), parent, status,
 * state, updated_at, score, error (JSON, or empty), what to prune up to (or empty), work that is over (or empty), the fate of its signal.
 * @returns `ok` · `stale` · `conflict` · `origin`: the origin is not there, nothing was done
 */
export const SAVE = `${COMMON}${DELIVERY}${EXECUTION}
local id, step, nonce, record, fence_key, fence_token, origin_key, origin, machine = unpack(ARGV, 1, 9)
local new = {step = step, parent = ARGV[10], status = ARGV[11], state = ARGV[12], updated_at = ARGV[13], score = ARGV[14]}
local error_text, prune, over_work, over_fate = unpack(ARGV, 15, 18)
local steps, exec = key('steps', id), key('exec', id)

-- Whether this very record is stored already: this was asked before, and the answer was lost.
local function is_mine()
  local written = redis.call('HGET', steps, step)
  return written and string.sub(written, 1, #nonce + 1) == nonce .. ' '
end

if not fenced(fence_key, fence_token) then return is_mine() and 'ok' or 'stale' end
local known_step, known_status, known_parent, known_error, oldest, known_origin =
  unpack(redis.call('HMGET', exec, 'step', 'status', 'parent', 'error', 'oldest', 'origin'))
if origin == '' and known_origin ~= origin_key then return 'origin' end
if redis.call('HSETNX', steps, step, record) == 0 then return is_mine() and 'ok' or 'conflict' end
if origin ~= '' then
  redis.call('HSET', key('origins', id), origin_key, origin)
  redis.call('HSET', exec, 'machine', machine, 'origin', origin_key)
end
if not known_step then
  oldest = step
  redis.call('ZADD', tag .. ':ids', 0, id)
  redis.call('HSET', exec, 'created_at', new.updated_at, 'oldest', step)
elseif tonumber(step) < tonumber(oldest) then
  oldest = step
  redis.call('HSET', exec, 'oldest', step)
end

local has_ended = false
if not known_step or tonumber(step) >= tonumber(known_step) then
  has_ended = stand(id, known_status, known_parent, new)
  if error_text ~= (known_error or '') then redis.call('HSET', exec, 'error', error_text) end
end

if prune ~= '' and tonumber(oldest) <= tonumber(prune) then
  local first, last = tonumber(oldest), tonumber(prune)
  if last - first < redis.call('HLEN', steps) then
    for one = first, last do redis.call('HDEL', steps, string.format('%.0f', one)) end
  else
    for _, one in ipairs(redis.call('HKEYS', steps)) do
      if tonumber(one) <= last then redis.call('HDEL', steps, one) end
    end
  end
  redis.call('HSET', exec, 'oldest', string.format('%.0f', last + 1))
end
if over_work ~= '' then over(id, over_work, over_fate) end
if over_work ~= '' or has_ended then tell() end
return 'ok'
`;

/** ARGV: id. @returns step, record and origin of the newest, as far as they are there */
export const LATEST = `${COMMON}
local id = ARGV[1]
local step = redis.call('HGET', key('exec', id), 'step')
if not step then return {} end
local record = redis.call('HGET', key('steps', id), step)
if not record then return {step} end
local origin = redis.call('HGET', key('origins', id), string.match(record, '^%S+ (%S+) ') or '')
return {step, record, origin or ''}
`;

/** ARGV: id, step. @returns record, its mark (it may be damaged, and no text any more), and origin, as far as they are there */
export const LOOK = `${COMMON}
local record = redis.call('HGET', key('steps', ARGV[1]), ARGV[2])
if not record then return {} end
local origin = redis.call('HGET', key('origins', ARGV[1]), string.match(record, '^%S+ (%S+) ') or '')
return {record, redis.sha1hex(record), origin or ''}
`;

/** Makes room for a step to be written anew, unless somebody else has done that. ARGV: id, step, mark of the record. */
export const CLEAR_STEP = `${COMMON}
local steps = key('steps', ARGV[1])
if redis.sha1hex(redis.call('HGET', steps, ARGV[2]) or '') == ARGV[3] then redis.call('HDEL', steps, ARGV[2]) end
`;

/**
 * Removes a step, if `newest` still is the newest of the others and the removed one has this mark.
 * ARGV: id, step, mark, newest (empty: there is no other), then what that one says: parent, status, state, updated_at, score, error; nothing of it if it is damaged.
 * @returns `ok` · `changed`
 */
export const DELETE_STEP = `${COMMON}${DELIVERY}${EXECUTION}
local id, step, mark, newest = unpack(ARGV, 1, 4)
local steps = key('steps', id)
if redis.sha1hex(redis.call('HGET', steps, step) or '') ~= mark then return 'changed' end
local others = nil
for _, one in ipairs(redis.call('HKEYS', steps)) do
  if one ~= step and (not others or tonumber(one) > tonumber(others)) then others = one end
end
if (others or '') ~= newest then return 'changed' end
local known_status, known_parent = unpack(redis.call('HMGET', key('exec', id), 'status', 'parent'))
redis.call('HDEL', steps, step)
if not others then
  erase(id, known_status, known_parent)
elseif not ARGV[5] then
  redis.call('HSET', key('exec', id), 'step', newest)
else
  stand(id, known_status, known_parent, {step = newest, parent = ARGV[5], status = ARGV[6], state = ARGV[7], updated_at = ARGV[8], score = ARGV[9]})
  redis.call('HSET', key('exec', id), 'error', ARGV[10])
end
tell()
return 'ok'
`;

/** ARGV: id. The lease of somebody alive stays; tokens are never used again in any case. */
export const DELETE_EXECUTION = `${COMMON}${DELIVERY}${EXECUTION}
local id = ARGV[1]
local known_status, known_parent = unpack(redis.call('HMGET', key('exec', id), 'status', 'parent'))
if known_status then erase(id, known_status, known_parent) end
redis.call('UNLINK', key('results', id))
over(id, '+inf', 'returned')
local expires = redis.call('HGET', key('lease', id), 'expires')
if expires and tonumber(expires) <= now() then redis.call('DEL', key('lease', id)) end
tell()
return 'ok'
`;

/** ARGV: id, 1 or 0. An unknown execution stays unknown. */
export const SET_CANCEL = `${COMMON}
if redis.call('EXISTS', key('exec', ARGV[1])) == 1 then redis.call('HSET', key('exec', ARGV[1]), 'cancel', ARGV[2]) end
`;

/**
 * ARGV: limit (-1 = all), smallest score, names of the sets. Of those that run, all come: their scores are from when they began to.
 * @returns ids of each set, its newest first
 */
export const LIST_EXECUTIONS = `
local found = {}
for i = 3, #ARGV do
  local limit, from = ARGV[1], ARGV[2]
  if string.find(ARGV[i], '^status:running') or string.find(ARGV[i], '^of:running:') then limit, from = -1, '-inf' end
  local range = redis.call('ZRANGEBYSCORE', KEYS[1] .. ':' .. ARGV[i], from, '+inf', 'LIMIT', 0, limit)
  for _, one in ipairs(range) do found[#found + 1] = one end
end
return found
`;

/** ARGV: ids. @returns for each what is shown of it */
export const SHOW_EXECUTIONS = `${COMMON}
local found = {}
for _, id in ipairs(ARGV) do
  found[#found + 1] = redis.call('HMGET', key('exec', id), 'machine', 'parent', 'status', 'state', 'step', 'created_at', 'updated_at', 'error')
end
return found
`;
