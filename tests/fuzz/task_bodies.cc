// What a client sends about tasks, and what the server says of them as a client reads it.
#include <algorithm>

#include "base/limits.h"
#include "tests/fuzz/decoded.h"
#include "wire/log_json.h"
#include "wire/task_frames.h"
#include "wire/task_json.h"

namespace tandem::fuzz {
namespace {

std::string spec_text(const TaskSpec& spec) {
  std::string out;
  wire::encode_spec(spec, out);
  return out;
}

std::string task_text(const Task& task) {
  std::string out;
  wire::encode_task(task, out);
  return out;
}

void check_spec(const TaskSpec& spec) {
  TANDEM_ASSERT(spec.payload.size() <= limits::kMaxPayloadBytes && wire::check_json(spec.payload));
  TANDEM_ASSERT(wire::string_member(spec.payload, "job_type") == spec.job_type);
  TANDEM_ASSERT(!spec.job_type.empty() && spec.job_type.size() <= limits::kMaxNameBytes);
  TANDEM_ASSERT(spec.priority >= limits::kMinPriority && spec.priority <= limits::kMaxPriority);
  TANDEM_ASSERT(spec.max_attempts >= 1 && spec.max_attempts <= limits::kMaxAttempts);
  TANDEM_ASSERT(!(spec.run_at && spec.delay_ms));
  TANDEM_ASSERT(std::ranges::is_sorted(spec.requires_labels));
  for (const auto& [name, value] : spec.env) {
    TANDEM_ASSERT(name != "PATH" && !name.starts_with("LD_") && !name.starts_with("TANDEM_"));
    TANDEM_ASSERT(value.find('\0') == value.npos && value.size() <= limits::kMaxEnvValueBytes);
  }
}

// A task alone and the same in a batch are read alike.
void check_submit(std::string_view input) {
  check_round_trip(input, wire::decode_submit, spec_text);
  const auto spec = wire::decode_submit(input);
  if (spec) check_spec(*spec);
  const std::string batch = "{\"tasks\":[" + std::string(input) + "]}";
  if (!wire::check_json(input) || !wire::check_json(batch)) return;
  const auto specs = wire::decode_batch(batch);
  TANDEM_ASSERT(specs.has_value() == spec.has_value());
  if (!specs) return;
  TANDEM_ASSERT(specs->size() == 1 && spec_text(specs->front()) == spec_text(*spec));
}

void check_batch(std::string_view input) {
  const auto specs = wire::decode_batch(input);
  if (!specs) return check_rejection(specs.error());
  TANDEM_ASSERT(!specs->empty() && specs->size() <= limits::kMaxBatchTasks);
  for (const TaskSpec& spec : *specs) check_spec(spec);
}

}  // namespace

void check(std::string_view input) {
  check_submit(input);
  check_batch(input);
  const TaskId task_id;
  check_round_trip(
      input, [&](std::string_view text) { return wire::decode_client_frame(text, task_id); },
      wire::encode_client_frame);
  const auto piece = wire::decode_input_body(input);
  if (piece)
    TANDEM_ASSERT(piece->data.size() <= limits::kMaxInputBytes);
  else
    check_rejection(piece.error());

  check_round_trip(input, wire::decode_task, task_text);
  const auto frame = wire::decode_server_frame(input);
  if (frame && frame->task) TANDEM_ASSERT(wire::check_json(task_text(*frame->task)));
}

}  // namespace tandem::fuzz
