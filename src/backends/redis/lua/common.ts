/**
 * What scripts begin with: `tag`; `key(name, id)`; `fenced(key, token)`, which says whether this is the newest lease of its key, and yes for the token
 * `''`, which stands for no fence; `now()`, the server's clock in milliseconds.
 */
export const COMMON = `
local tag = KEYS[1]
local function key(name, id) return tag .. ':' .. name .. ':' .. id end
local function fenced(of, token) return token == '' or redis.call('HGET', key('lease', of), 'token') == token end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;
