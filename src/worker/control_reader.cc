#include "worker/control_reader.h"

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "wire/control_line.h"

namespace tandem::worker {
namespace {

constexpr std::size_t kControlReadBytes = 16 * 1024;
constexpr std::int64_t kProgressIntervalMs = 100;
constexpr int kMaxComplaints = 10;

}  // namespace

io::Awaitable<void> ControlReader::run(Read read, Asked asked) {
  const auto memory = std::make_unique_for_overwrite<char[]>(kControlReadBytes);
  const std::span<char> buffer(memory.get(), kControlReadBytes);
  while (true) {
    const Result<std::size_t> got = co_await read(buffer);
    if (!got || *got == 0) break;
    for (const std::string& line : pipe_.push({buffer.data(), *got})) take(line, asked);
    co_await log_.room();
  }
  for (const std::string& line : pipe_.finish()) take(line, asked);
  interval_.clear();
  if (waiting_) pass_on();
  if (pipe_.dropped_lines() > 0)
    log_.say(std::to_string(pipe_.dropped_lines()) +
             " lines on the control pipe were too long and were dropped.");
}

void ControlReader::take(const std::string& line, const Asked& asked) {
  auto decoded = wire::decode_control_line(line);
  if (!decoded) {
    const wire::Rejection& rejection = decoded.error();
    return complain(rejection.fields.empty()
                        ? rejection.error.detail
                        : rejection.fields[0].field + ": " + rejection.fields[0].message);
  }
  if (auto* progress = std::get_if<Progress>(&*decoded)) {
    progress->message = masked(std::move(progress->message));
    return progressed(*progress);
  }
  if (auto* result = std::get_if<wire::ResultLine>(&*decoded)) {
    result_ = mask_ ? mask_->masked_json(result->value) : std::move(result->value);
    return;
  }
  auto& question = std::get<wire::InputRequestLine>(*decoded);
  question.prompt = masked(std::move(question.prompt));
  asked(std::move(question));
}

void ControlReader::progressed(const Progress& progress) {
  waiting_ = progress;
  if (!interval_.is_set()) pass_on();
}

void ControlReader::pass_on() {
  listener_.progressed(*waiting_);
  waiting_.reset();
  interval_.set(kProgressIntervalMs, [this] {
    if (waiting_) pass_on();
  });
}

void ControlReader::complain(const std::string& why) {
  if (++complaints_ > kMaxComplaints) return;
  log_.say("A line on the control pipe was not understood: " + masked(why));
  if (complaints_ == kMaxComplaints) log_.say("No more of these are reported.");
}

}  // namespace tandem::worker
