#include "logs/redis/stream_entries.h"

#include <hiredis/hiredis.h>

#include <charconv>
#include <utility>

namespace tandem::logs {
namespace {

constexpr std::string_view kKeyBegin = "tandem:log:{", kKeyEnd = "}";

template <class Number>
Number number_of(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string redis_log_key(TaskId task) {
  return std::string(kKeyBegin) + to_string(task) + std::string(kKeyEnd);
}

std::optional<TaskId> task_of_log_key(std::string_view key) {
  if (!key.starts_with(kKeyBegin) || !key.ends_with(kKeyEnd)) return std::nullopt;
  key.remove_prefix(kKeyBegin.size());
  key.remove_suffix(kKeyEnd.size());
  return TaskId::parse(key);
}

std::string_view text_of(const redisReply& reply) {
  return reply.str == nullptr ? std::string_view() : std::string_view(reply.str, reply.len);
}

std::optional<StreamEntry> entry_of(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) return std::nullopt;
  const auto position = parse_log_position(text_of(*reply.element[0]));
  const redisReply& fields = *reply.element[1];
  if (!position || fields.type != REDIS_REPLY_ARRAY) return std::nullopt;
  StreamEntry entry;
  entry.record.attempt = position->attempt;
  entry.record.seq = position->seq;
  for (std::size_t i = 0; i + 1 < fields.elements; i += 2) {
    const std::string_view name = text_of(*fields.element[i]),
                           text = text_of(*fields.element[i + 1]);
    if (name == "ts") entry.record.ts.ms = number_of<std::int64_t>(text);
    if (name == "stream") entry.record.stream = log_stream_from(text).value_or(LogStream::system);
    if (name == "data") entry.record.data = text;
    if (name == "total") entry.total = number_of<std::uint64_t>(text);
  }
  return entry;
}

std::vector<LogRecord> records_of(const redisReply& reply) {
  std::vector<LogRecord> records;
  if (reply.type != REDIS_REPLY_ARRAY) return records;
  records.reserve(reply.elements);
  for (std::size_t i = 0; i < reply.elements; ++i)
    if (auto entry = entry_of(*reply.element[i])) records.push_back(std::move(entry->record));
  return records;
}

}  // namespace tandem::logs
