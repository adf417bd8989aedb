#include <algorithm>

#include "wire/json.h"
#include "wire/json_writer.h"
#include "wire/loose.h"
#include "wire/raw_json.h"
#include "wire/update_fields.h"
#include "wire/worker_fields.h"
#include "wire/worker_frames.h"

namespace tandem::wire {
namespace {

// An object of this type that is open, and closed by finish().
class Frame {
 public:
  explicit Frame(std::string_view type) : writer_(text_) {
    writer_.begin_object().member("type", type);
  }
  JsonWriter& writer() { return writer_; }
  Frame& task(const AttemptRef& task) {
    writer_.member("task_id", task.task_id).key("attempt").integer(task.attempt);
    return *this;
  }
  std::string finish() {
    writer_.end_object();
    return std::move(text_);
  }

 private:
  std::string text_;
  JsonWriter writer_;
};

AttemptRef read_ref(const loose::Object& object) {
  return {loose::text(object, "task_id"),
          static_cast<std::uint32_t>(loose::integer(object, "attempt", 0))};
}

PollingConfig read_config(const loose::Object& object) {
  const loose::Object* config = loose::object(object, "config");
  return config == nullptr ? PollingConfig{} : read_polling_config(*config);
}

Result<AssignFrame> read_assign(std::string_view text) {
  auto jobs = decode_jobs(text);
  if (!jobs) return jobs.error();
  return AssignFrame{std::move(*jobs)};
}

AckFrame read_ack(const loose::Object& object) {
  AckFrame ack;
  ack.about = loose::text(object, "for");
  if (const auto* tasks = loose::array(object, "tasks")) {
    for (const boost::json::value& task : *tasks)
      if (task.is_object()) ack.renewed.push_back(read_ref(task.get_object()));
  }
  if (const auto* entries = loose::array(object, "updates")) {
    for (const boost::json::value& entry : *entries)
      if (entry.is_object()) ack.answers.push_back(read_update_answer(entry.get_object()));
  } else {
    ack.answers.push_back(read_update_answer(object));
  }
  const std::int64_t committed = loose::integer(object, "committed", 0);
  ack.committed = static_cast<std::uint64_t>(std::max<std::int64_t>(committed, 0));
  return ack;
}

CancelOrder read_cancel(const loose::Object& object) {
  CancelOrder order;
  order.task = read_ref(object);
  order.grace_ms = loose::seconds(object, "grace_s").value_or(order.grace_ms);
  return order;
}

InputOrder read_input(const loose::Object& object) {
  InputOrder order;
  order.task = read_ref(object);
  order.input.seq = static_cast<std::uint64_t>(loose::integer(object, "seq", 0));
  order.input.data = loose::text(object, "data");
  order.input.eof = loose::flag(object, "eof");
  return order;
}

ResizeOrder read_resize(const loose::Object& object) {
  ResizeOrder order;
  order.task = read_ref(object);
  order.cols = loose::maybe_int(object, "cols").value_or(order.cols);
  order.rows = loose::maybe_int(object, "rows").value_or(order.rows);
  return order;
}

}  // namespace

Result<OrderFrame> decode_order_frame(std::string_view text) {
  Document document;
  if (auto parsed = document.parse(text); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  if (object == nullptr) return fail(Errc::bad_request, "The message is no JSON object");
  std::string type = loose::text(*object, "type");
  if (type == "assign") {
    auto assign = read_assign(text);
    if (!assign) return assign.error();
    return OrderFrame(std::move(*assign));
  }
  if (type == "welcome")
    return OrderFrame(WelcomeFrame{read_config(*object), loose::text(*object, "worker_id")});
  if (type == "ack") return OrderFrame(read_ack(*object));
  if (type == "cancel") return OrderFrame(read_cancel(*object));
  if (type == "input") return OrderFrame(read_input(*object));
  if (type == "resize") return OrderFrame(read_resize(*object));
  if (type == "drain") return OrderFrame(DrainOrder{});
  if (type == "config") return OrderFrame(ConfigFrame{read_config(*object)});
  if (type == "lost") return OrderFrame(LostFrame{read_ref(*object)});
  return OrderFrame(UnknownFrame{std::move(type)});
}

std::string encode_welcome_frame(const PollingConfig& config, std::string_view worker_id) {
  Frame frame("welcome");
  frame.writer().member("worker_id", worker_id).key("config").begin_object();
  write_polling_config(frame.writer(), config);
  frame.writer().end_object();
  return frame.finish();
}

std::string encode_assign_frame(std::span<const std::string> jobs, bool batch) {
  Frame frame("assign");
  JsonWriter& writer = frame.writer();
  if (!batch) {
    writer.key("job").raw_or_null(jobs.empty() ? std::string_view() : jobs.front());
    return frame.finish();
  }
  writer.key("jobs").begin_array();
  for (const std::string& job : jobs) writer.raw(job);
  writer.end_array();
  return frame.finish();
}

std::string encode_ack_frame(const AckFrame& ack, bool batch) {
  Frame frame("ack");
  JsonWriter& writer = frame.writer();
  writer.member("for", ack.about);
  if (ack.about == "logs") {
    const UpdateAnswer& answer = ack.answers.front();
    frame.task({answer.task_id, answer.attempt});
    if (answer.error) write_refusal(writer, *answer.error);
    writer.key("committed").integer(static_cast<std::int64_t>(ack.committed));
  } else if (ack.about == "heartbeat") {
    write_attempt_refs(writer.key("tasks"), ack.renewed);
  } else if (batch) {
    writer.key("updates").begin_array();
    for (const UpdateAnswer& answer : ack.answers) {
      writer.begin_object();
      write_update_answer(writer, answer);
      writer.end_object();
    }
    writer.end_array();
  } else if (!ack.answers.empty()) {
    write_update_answer(writer, ack.answers.front());
  }
  return frame.finish();
}

std::string encode_cancel_order(const CancelOrder& order) {
  Frame frame("cancel");
  frame.task(order.task).writer().key("grace_s").seconds(order.grace_ms);
  return frame.finish();
}

std::string encode_input_order(const InputOrder& order) {
  Frame frame("input");
  frame.task(order.task)
      .writer()
      .key("seq")
      .integer(static_cast<std::int64_t>(order.input.seq))
      .member("data", order.input.data);
  if (order.input.eof) frame.writer().key("eof").boolean(true);
  return frame.finish();
}

std::string encode_resize_order(const ResizeOrder& order) {
  Frame frame("resize");
  frame.task(order.task).writer().key("cols").integer(order.cols).key("rows").integer(order.rows);
  return frame.finish();
}

std::string encode_drain_order() { return R"({"type":"drain"})"; }

std::string encode_config_frame(const PollingConfig& config) {
  Frame frame("config");
  frame.writer().key("config").begin_object();
  write_polling_config(frame.writer(), config);
  frame.writer().end_object();
  return frame.finish();
}

std::string encode_lost_frame(const AttemptRef& task) {
  Frame frame("lost");
  return frame.task(task).finish();
}

}  // namespace tandem::wire
