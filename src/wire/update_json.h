#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/task.h"
#include "wire/decoded.h"

// POST …/polling/update: what a worker says about an attempt, and the answer.
namespace tandem::wire {

struct AttemptRef {
  std::string task_id;
  std::uint32_t attempt = 0;
  std::optional<std::uint64_t> input_seq = {};  // in heartbeats; as in Update
  bool operator==(const AttemptRef&) const = default;
};

enum class UpdateStatus : std::uint8_t {
  running,
  waiting_for_input,
  completed,
  failed,
  cancelled,
  released,
};
std::string_view to_string(UpdateStatus status);
std::optional<UpdateStatus> update_status_from(std::string_view name);

struct Update {
  std::string task_id;  // decode_update: a canonical UUID
  std::uint32_t attempt = 0;
  UpdateStatus status = UpdateStatus::running;
  std::optional<Progress> progress;  // `message` at the top level is its message
  std::string result;                // compact JSON; empty: none
  std::optional<TaskError> error;
  std::optional<int> exit_code, signal;
  std::optional<InputRequest> input_request;  // asked_at is not on the wire
  std::optional<std::uint64_t> input_seq;     // the last piece of input that the job was given
  std::optional<std::uint64_t> log_records;   // with a final status: 0 says that there is no log
};

// One update or {"updates": [1..kMaxBatchTasks]}; `is_batch` says which.
struct Updates {
  std::vector<Update> updates;
  bool is_batch = false;
};
Decoded<Updates> decode_updates(std::string_view body);
// `status_name`: a foreign service's own word for the status; empty: ours.
void encode_update(const Update& update, std::string& out, std::string_view status_name = {});

struct AnswerInput {
  std::uint64_t seq = 0;
  std::string data;
  bool eof = false;
};
struct UpdateAnswer {
  std::string task_id;
  std::uint32_t attempt = 0;  // 0: the service numbers none
  std::string status;
  bool cancel_requested = false;
  std::optional<WallTime> lease_expires_at;
  std::vector<AnswerInput> input;
  std::optional<Error> error;  // of this entry of a batch
};
void encode_update_answer(const UpdateAnswer& answer, std::string& out);
// {"updates": [answer, …]}
std::string encode_update_answers(std::span<const UpdateAnswer> answers);
// One answer or {"updates": […]}; members that are missing keep their default.
Result<std::vector<UpdateAnswer>> decode_update_answers(std::string_view body);

}  // namespace tandem::wire
