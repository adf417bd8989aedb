#include "worker/output_reader.h"

#include <memory>
#include <span>
#include <utility>

namespace tandem::worker {
namespace {

constexpr std::size_t kReadBytes = 32 * 1024;
constexpr std::int64_t kSilenceMs = 50;

}  // namespace

io::Awaitable<void> OutputReader::run(Read read) {
  const auto memory = std::make_unique_for_overwrite<char[]>(kReadBytes);
  const std::span<char> buffer(memory.get(), kReadBytes);
  while (true) {
    const Result<std::size_t> got = co_await read(buffer);
    if (!got || *got == 0) break;
    take({buffer.data(), *got});
    silence_.clear();
    if (cutter_.held_bytes() > 0) silence_.set(kSilenceMs, [this] { show_unfinished(); });
    co_await log_.room();
  }
  silence_.clear();
  std::string held;
  std::vector<std::string> records;
  filter_.finish(held);
  cutter_.feed(held, records);
  cutter_.finish(records);
  write(records);
}

void OutputReader::take(std::string_view data) {
  std::vector<std::string> records;
  std::string shown;
  if (mask_) {
    filter_.feed(data, shown);
    data = shown;
  }
  cutter_.feed(data, records);
  write(records);
}

void OutputReader::show_unfinished() {
  std::vector<std::string> records;
  cutter_.flush(records);
  write(records);
  if (cutter_.held_bytes() > 0)  // the start of a UTF-8 sequence waits for its rest, once
    silence_.set(kSilenceMs, [this] { show_unfinished(); });
}

void OutputReader::write(std::vector<std::string>& records) {
  for (std::string& record : records) log_.write(stream_, std::move(record));
  records.clear();
}

}  // namespace tandem::worker
