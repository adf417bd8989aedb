#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/task.h"
#include "wire/decoded.h"
#include "wire/log_json.h"

// The messages of /api/v1/tasks/{id}/ws.
namespace tandem::wire {

// Client → server
struct InputFrame {
  std::string data;        // at most kMaxInputBytes
  std::string request_id;  // empty: not given
};
struct EofFrame {};
struct ResizeFrame {
  int cols = 80;  // 1..10000
  int rows = 24;
};
struct CancelFrame {};
struct PingFrame {};
using ClientFrame = std::variant<InputFrame, EofFrame, ResizeFrame, CancelFrame, PingFrame>;

// Refused: an unknown type or member, and a task_id that is not the socket's. bad_json where it is
// no JSON object.
Decoded<ClientFrame> decode_client_frame(std::string_view text, const TaskId& socket_task);
std::string encode_client_frame(const ClientFrame& frame);

// The body of POST /api/v1/tasks/{id}/input: {data, request_id?, eof?}.
struct InputBody {
  std::string data;
  std::string request_id;
  bool eof = false;
};
Decoded<InputBody> decode_input_body(std::string_view body);

// Server → client. Each appends one message to `out`.
void encode_status_frame(const Task& task, std::string& out);
void encode_log_frame(std::span<const LogLine> lines, std::string& out);
void encode_input_request_frame(const InputRequest& request, std::string& out);
void encode_progress_frame(const Progress& progress, std::string& out);
void encode_end_frame(TaskStatus status, std::string& out);
void encode_error_frame(const Error& error, std::string& out);
// Records behind `from` up to and with `to` (log positions such as "2-17") are to be fetched over
// HTTP.
void encode_gap_frame(std::string_view from, std::string_view to, std::string& out);
void encode_pong_frame(std::string& out);

// A server's frame, read by a client. Members that the type does not have are empty.
struct ServerFrame {
  std::string type;
  std::optional<Task> task;           // status
  std::vector<OwnedLogLine> records;  // log
  InputRequest input_request;         // input_request
  Progress progress;                  // progress
  std::string status;                 // end
  std::string code, detail;           // error
  std::string from, to;               // gap
};
Result<ServerFrame> decode_server_frame(std::string_view text);

}  // namespace tandem::wire
