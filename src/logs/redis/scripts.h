#pragma once

#include <string_view>

namespace tandem::logs {

// Appends records of one attempt, all or none; those that are there already are skipped. Where the
// stream lacks records before the first one, it has lost them: a record of the stream `system` with
// the number of the last of them says so. Where a later attempt has written nothing is added.
// KEYS: the stream, the index. ARGV: task id, attempt, then seq, ts, stream, data of each record.
// Answers the latest attempt, and of this one the last seq and the bytes of data.
inline constexpr std::string_view kAppendScript = R"lua(
local stream, attempt = KEYS[1], ARGV[2]
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
local latest, last, total = 0, 0, 0
if newest then latest = tonumber(string.match(newest[1], '^%d+')) end
if latest > tonumber(attempt) then return {latest, 0, 0} end
if latest == tonumber(attempt) then
  last = tonumber(string.match(newest[1], '%d+$'))
  for i = 1, #newest[2], 2 do
    if newest[2][i] == 'total' then total = tonumber(newest[2][i + 1]) end
  end
else
  redis.call('ZADD', KEYS[2], 0, ARGV[1])
end
local function add(seq, ts, source, data)
  total = total + #data
  redis.call('XADD', stream, string.format('%s-%.0f', attempt, seq), 'ts', ts, 'stream', source,
             'data', data, 'total', string.format('%.0f', total))
  last = seq
end
for i = 3, #ARGV, 4 do
  local seq = tonumber(ARGV[i])
  if seq > last + 1 then
    local lost = seq - 1 - last
    add(seq - 1, ARGV[i + 1], 'system', string.format(
      'Records missing here: %.0f (%.0f to %.0f); the log store has lost them.\n',
      lost, last + 1, seq - 1))
  end
  if seq > last then add(seq, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) end
end
return {tonumber(attempt), last, total}
)lua";

// KEYS: the stream, the index. ARGV: task id, the last position to go, the one behind it.
inline constexpr std::string_view kTrimScript = R"lua(
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if newest and newest[1] == ARGV[2] then
  redis.call('UNLINK', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
elseif newest then
  redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[3])
  if redis.call('XLEN', KEYS[1]) == 0 then
    redis.call('UNLINK', KEYS[1])
    redis.call('ZREM', KEYS[2], ARGV[1])
  end
end
)lua";

}  // namespace tandem::logs
