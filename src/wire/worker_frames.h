#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "wire/log_json.h"
#include "wire/update_json.h"
#include "wire/worker_json.h"

// The messages of /api/v1/polling/ws and /api/v1/workers/ws. Each is an object with a `type`.
namespace tandem::wire {

// Worker → server: strict.
struct ReadyFrame {
  int slots_free = 0;
};
struct UpdateFrame {
  std::vector<Update> updates;
};
struct LogsFrame {
  std::string task_id;
  LogBatch batch;
};
struct HeartbeatFrame {
  std::vector<AttemptRef> tasks;
};
struct ByeFrame {};
using WorkerFrame = std::variant<ReadyFrame, UpdateFrame, LogsFrame, HeartbeatFrame, ByeFrame>;

Decoded<WorkerFrame> decode_worker_frame(std::string_view text);
std::string encode_ready_frame(int slots_free);
std::string encode_update_frame(std::span<const Update> updates);
std::string encode_logs_frame(std::string_view task_id, std::span<const LogLine> lines);
std::string encode_heartbeat_frame(std::span<const AttemptRef> tasks);
std::string encode_bye_frame();

// Server → worker: tolerant; an unknown type decodes as UnknownFrame.
struct WelcomeFrame {
  PollingConfig config;
  std::string worker_id;
};
struct AssignFrame {
  std::vector<Job> jobs;
};
// The answer to updates (`for`: "update"), to logs ("logs"), or to a heartbeat ("heartbeat").
struct AckFrame {
  std::string about;  // `for` on the wire
  std::vector<UpdateAnswer> answers;
  std::uint64_t committed = 0;           // logs: the last durable seq
  std::vector<AttemptRef> renewed = {};  // heartbeat: those of its tasks that are
};
struct CancelOrder {
  AttemptRef task;
  std::int64_t grace_ms = 5000;
};
struct InputOrder {
  AttemptRef task;
  AnswerInput input;
};
struct ResizeOrder {
  AttemptRef task;
  int cols = 80, rows = 24;
};
struct DrainOrder {};
struct ConfigFrame {
  PollingConfig config;
};
struct LostFrame {
  AttemptRef task;
};
struct UnknownFrame {
  std::string type;
};
using OrderFrame = std::variant<WelcomeFrame, AssignFrame, AckFrame, CancelOrder, InputOrder,
                                ResizeOrder, DrainOrder, ConfigFrame, LostFrame, UnknownFrame>;

Result<OrderFrame> decode_order_frame(std::string_view text);
std::string encode_welcome_frame(const PollingConfig& config, std::string_view worker_id);
// Each of `jobs` is what encode_job wrote. With `batch` as a list, else it is one.
std::string encode_assign_frame(std::span<const std::string> jobs, bool batch);
std::string encode_ack_frame(const AckFrame& ack, bool batch = false);
std::string encode_cancel_order(const CancelOrder& order);
std::string encode_input_order(const InputOrder& order);
std::string encode_resize_order(const ResizeOrder& order);
std::string encode_drain_order();
std::string encode_config_frame(const PollingConfig& config);
std::string encode_lost_frame(const AttemptRef& task);

}  // namespace tandem::wire
