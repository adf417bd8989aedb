#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "logs/log_store.h"

struct redisReply;

namespace tandem::logs {

std::string redis_log_key(TaskId task);  // tandem:log:{…}
std::optional<TaskId> task_of_log_key(std::string_view key);

std::string_view text_of(const redisReply& reply);  // empty: it is no text

struct StreamEntry {
  LogRecord record;
  std::uint64_t total = 0;
};

// An entry of a stream. What is no entry of ours has no place in the result.
std::optional<StreamEntry> entry_of(const redisReply& reply);
std::vector<LogRecord> records_of(const redisReply& reply);

}  // namespace tandem::logs
