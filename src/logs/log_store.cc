#include "logs/log_store.h"

#include <array>
#include <charconv>

#include "base/assert.h"
#include "logs/tail_reader.h"

namespace tandem::logs {
namespace {

constexpr std::array<std::string_view, 3> kStreamNames = {"stdout", "stderr", "system"};
constexpr std::uint64_t kMaxSeq = INT64_MAX;  // what every store can hold

template <class Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string_view to_string(LogStream stream) {
  const auto index = static_cast<std::size_t>(stream);
  TANDEM_ASSERT(index < kStreamNames.size());
  return kStreamNames[index];
}

std::optional<LogStream> log_stream_from(std::string_view name) {
  for (std::size_t i = 0; i < kStreamNames.size(); ++i)
    if (kStreamNames[i] == name) return static_cast<LogStream>(i);
  return std::nullopt;
}

std::optional<LogPosition> parse_log_position(std::string_view text) {
  LogPosition position{.attempt = 1, .seq = 0};
  if (const auto dash = text.find('-'); dash != text.npos) {
    if (!parse_number(text.substr(0, dash), position.attempt)) return std::nullopt;
    text.remove_prefix(dash + 1);
  }
  if (!parse_number(text, position.seq) || position.seq > kMaxSeq) return std::nullopt;
  return position;
}

std::string to_string(LogPosition position) {
  return std::to_string(position.attempt) + '-' + std::to_string(position.seq);
}

std::unique_ptr<TailReader> LogStore::open_tail(AppendsFound /*found*/) { return nullptr; }

}  // namespace tandem::logs
