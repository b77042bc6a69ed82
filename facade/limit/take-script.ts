import { createHash } from 'node:crypto';

/**
 * Charges a request to all of its buckets, or to none, in one step (Redis runs a script alone). What is kept of a
 * bucket is how much it is charged with, and when that was, by Redis' own clock: those of the facades may differ.
 * It goes by itself when it is full. A clock that was set back must not lock anybody out, so a time to come
 * counts as now.
 *
 * KEYS the buckets; ARGV of each: milliseconds in which a request is refilled, and requests that it holds.
 * Returns 1 or 0, and what each is charged with.
 */
export const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local admitted = 1
local used = {}
for i, key in ipairs(KEYS) do
  local interval, capacity = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local charged, at = string.match(redis.call('GET', key) or '', '^(%S+) (%S+)$')
  local since = math.max(0, now - (tonumber(at) or now))
  used[i] = math.max(0, math.min(tonumber(charged) or 0, capacity) - since / interval)
  if capacity - used[i] + 1e-6 < 1 then admitted = 0 end
end
local answer = { admitted }
for i, key in ipairs(KEYS) do
  used[i] = used[i] + admitted
  if used[i] > 0 then
    local full = math.ceil(used[i] * tonumber(ARGV[2 * i - 1])) + 1
    redis.call('SET', key, string.format('%.17g %.17g', used[i], now), 'PX', full)
  end
  answer[i + 1] = string.format('%.17g', used[i])
end
return answer
`;

/** By what Redis knows a script that it was sent before. */
export const takeDigest = createHash('sha1').update(takeScript).digest('hex');
