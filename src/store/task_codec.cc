#include "store/task_codec.h"

#include <algorithm>

#include "store/packed.h"

namespace tandem::store {
namespace {

// Number of the layout, the first of each packed column but lists and labels.
constexpr std::uint64_t kLayout = 1;

enum StateBit : std::uint64_t {
  kProgress = 1,
  kPercent = 2,
  kInputRequest = 4,
  kError = 8,
  kExitCode = 16,
  kSignal = 32,
  kOutputs = 64,
  kLog = 128,
};

template <class Pairs>
std::string pack_pairs(const Pairs& pairs) {
  PackWriter out;
  for (const auto& [key, value] : pairs) out.text(key).text(value);
  return out.take();
}

void write_pairs(PackWriter& out, const std::map<std::string, std::string>& pairs) {
  out.number(pairs.size());
  for (const auto& [key, value] : pairs) out.text(key).text(value);
}

void read_pairs(PackReader& in, std::map<std::string, std::string>& pairs) {
  for (auto left = in.number(); left > 0 && in.ok(); --left) {
    const std::string_view key = in.text();
    pairs.emplace_hint(pairs.end(), key, in.text());
  }
}

void write_files(PackWriter& out, const std::vector<FileInfo>& files) {
  out.number(files.size());
  for (const FileInfo& file : files)
    out.text(file.name).number(file.size_bytes).text(file.sha256).text(file.content_type);
}

void read_files(PackReader& in, std::vector<FileInfo>& files) {
  for (auto left = in.number(); left > 0 && in.ok(); --left) {
    FileInfo& file = files.emplace_back();
    file.name = in.text();
    file.size_bytes = in.number();
    file.sha256 = in.text();
    file.content_type = in.text();
  }
}

std::optional<std::int64_t> ms_of(const std::optional<WallTime>& time) {
  if (!time) return std::nullopt;
  return time->ms;
}

std::uint64_t state_bits(const Task& task) {
  std::uint64_t bits = 0;
  if (!task.progress.message.empty()) bits |= kProgress;
  if (task.progress.percent) bits |= kPercent;
  if (task.input_request) bits |= kInputRequest;
  if (task.error) bits |= kError;
  if (task.exit_code) bits |= kExitCode;
  if (task.signal) bits |= kSignal;
  if (!task.outputs.empty()) bits |= kOutputs;
  if (task.log != LogTotals{}) bits |= kLog;
  return bits;
}

InputRequest read_input_request(PackReader& in) {
  InputRequest request;
  request.request_id = in.text();
  request.prompt = in.text();
  request.password = in.number() != 0;
  request.asked_at = {in.signed_number()};
  return request;
}

}  // namespace

std::string pack_list(const std::vector<std::string>& list) {
  PackWriter out;
  for (const std::string& value : list) out.text(value);
  return out.take();
}

bool unpack_list(std::string_view bytes, std::vector<std::string>& list) {
  PackReader in(bytes);
  while (!in.at_end()) list.emplace_back(in.text());
  return in.ok();
}

std::string pack_labels(const Labels& labels) { return pack_pairs(labels); }
std::string pack_labels(const std::vector<std::pair<std::string, std::string>>& labels) {
  return pack_pairs(labels);
}

bool unpack_labels(std::string_view bytes, Labels& labels) {
  PackReader in(bytes);
  while (!in.at_end()) {
    const std::string_view key = in.text();
    labels.emplace_hint(labels.end(), key, in.text());
  }
  return in.ok();
}

bool has_labels(std::string_view labels, std::string_view wanted) {
  Labels have;
  if (!unpack_labels(labels, have)) return false;
  PackReader in(wanted);
  while (!in.at_end()) {
    const std::string key(in.text());
    const auto found = have.find(key);
    if (found == have.end() || found->second != in.text()) return false;
  }
  return in.ok();
}

std::string pack_spec(const Task& task) {
  const TaskSpec& spec = task.spec;
  PackWriter out;
  out.number(kLayout).maybe(ms_of(spec.run_at)).maybe(spec.delay_ms);
  out.signed_number(spec.retry_delay_ms).maybe(spec.timeout_ms).maybe(spec.queue_timeout_ms);
  out.number(spec.interactive ? 1 : 0).signed_number(spec.input_timeout_ms);
  out.text(spec.callback_url);
  write_pairs(out, spec.env);
  write_files(out, task.inputs);
  return out.take();
}

bool unpack_spec(std::string_view bytes, Task& task) {
  PackReader in(bytes);
  if (in.number() != kLayout) return false;
  TaskSpec& spec = task.spec;
  if (const auto run_at = in.maybe()) spec.run_at = WallTime{*run_at};
  spec.delay_ms = in.maybe();
  spec.retry_delay_ms = in.signed_number();
  spec.timeout_ms = in.maybe();
  spec.queue_timeout_ms = in.maybe();
  spec.interactive = in.number() != 0;
  spec.input_timeout_ms = in.signed_number();
  spec.callback_url = in.text();
  read_pairs(in, spec.env);
  read_files(in, task.inputs);
  return in.ok() && in.at_end();
}

std::string pack_state(const Task& task) {
  const std::uint64_t bits = state_bits(task);
  if (bits == 0) return {};
  PackWriter out;
  out.number(kLayout).number(bits);
  if (bits & kProgress) out.text(task.progress.message);
  if (bits & kPercent) out.real(*task.progress.percent);
  if (const auto& request = task.input_request) {
    out.text(request->request_id).text(request->prompt);
    out.number(request->password ? 1 : 0).signed_number(request->asked_at.ms);
  }
  if (task.error) out.text(task.error->code).text(task.error->message);
  if (task.exit_code) out.signed_number(*task.exit_code);
  if (task.signal) out.signed_number(*task.signal);
  if (bits & kOutputs) write_files(out, task.outputs);
  if (bits & kLog) out.number(task.log.records).number(task.log.bytes);
  return out.take();
}

bool unpack_state(std::string_view bytes, Task& task) {
  if (bytes.empty()) return true;
  PackReader in(bytes);
  if (in.number() != kLayout) return false;
  const std::uint64_t bits = in.number();
  if (bits & kProgress) task.progress.message = in.text();
  if (bits & kPercent) task.progress.percent = in.real();
  if (bits & kInputRequest) task.input_request = read_input_request(in);
  if (bits & kError) {
    TaskError& error = task.error.emplace();
    error.code = in.text();
    error.message = in.text();
  }
  if (bits & kExitCode) task.exit_code = static_cast<int>(in.signed_number());
  if (bits & kSignal) task.signal = static_cast<int>(in.signed_number());
  if (bits & kOutputs) read_files(in, task.outputs);
  if (bits & kLog) {
    task.log.records = in.number();
    task.log.bytes = in.number();
  }
  return in.ok() && in.at_end();
}

}  // namespace tandem::store
