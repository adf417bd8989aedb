#include "logs/record_cutter.h"

#include <algorithm>

#include "base/assert.h"

namespace tandem::logs {
namespace {

// Bytes at the end of `text` that start a UTF-8 sequence whose rest is missing: 0…3.
std::size_t unfinished_utf8_bytes(std::string_view text) {
  const std::size_t most = std::min<std::size_t>(3, text.size());
  for (std::size_t back = 1; back <= most; ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t length = byte >= 0xF5   ? 0
                               : byte >= 0xF0 ? 4
                               : byte >= 0xE0 ? 3
                               : byte >= 0xC2 ? 2
                                              : 0;
    return length > back ? back : 0;
  }
  return 0;
}

// Where to cut the first record off a text that is longer than `most`.
std::size_t cut_length(std::string_view text, std::size_t most) {
  const std::string_view head = text.substr(0, most);
  if (const auto end = head.rfind('\n'); end != head.npos) return end + 1;
  return most - unfinished_utf8_bytes(head);
}

void cut_all(std::string_view text, std::size_t most, std::vector<std::string>& out) {
  while (!text.empty()) {
    const std::size_t length = text.size() <= most ? text.size() : cut_length(text, most);
    out.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
}

}  // namespace

RecordCutter::RecordCutter(std::size_t max_record_bytes) : max_record_bytes_(max_record_bytes) {
  TANDEM_ASSERT(max_record_bytes >= 4);  // a UTF-8 sequence must fit
}

void RecordCutter::feed(std::string_view chunk, std::vector<std::string>& out) {
  if (chunk.empty()) return;
  flushed_ = false;
  const std::size_t held_before = held_.size();
  held_ += chunk;
  std::string_view rest = held_;
  if (const auto end = chunk.rfind('\n'); end != chunk.npos) {
    const std::size_t whole_lines = held_before + end + 1;
    cut_all(rest.substr(0, whole_lines), max_record_bytes_, out);
    rest.remove_prefix(whole_lines);
  }
  while (rest.size() >= max_record_bytes_) {
    const std::size_t length = cut_length(rest, max_record_bytes_);
    out.emplace_back(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  held_.erase(0, held_.size() - rest.size());
}

void RecordCutter::flush(std::vector<std::string>& out) {
  const std::size_t behind = flushed_ ? 0 : unfinished_utf8_bytes(held_);
  if (held_.size() > behind) {
    out.push_back(held_.substr(0, held_.size() - behind));
    held_.erase(0, held_.size() - behind);
  }
  flushed_ = !held_.empty();
}

void RecordCutter::finish(std::vector<std::string>& out) {
  if (!held_.empty()) out.push_back(std::move(held_));
  held_.clear();
  flushed_ = false;
}

}  // namespace tandem::logs
