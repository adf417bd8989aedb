#include <string>

#include "wire/json_writer.h"
#include "wire/task_json.h"

namespace tandem::wire {
namespace {

void write_next(JsonWriter& writer, TaskStatus from) {
  writer.key("next").begin_array();
  for (const TaskStatus to : kAllStatuses)
    if (to != from && may_follow(from, to)) writer.string(to_string(to));
  writer.end_array();
}

std::string make_statuses() {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("statuses").begin_array();
  for (const TaskStatus status : kAllStatuses) {
    writer.begin_object()
        .member("name", to_string(status))
        .key("terminal")
        .boolean(is_terminal(status))
        .key("settable_by_worker")
        .boolean(is_settable_by_worker(status));
    write_next(writer, status);
    writer.end_object();
  }
  // `released` is no status of a task, but a worker may set it.
  writer.begin_object()
      .member("name", "released")
      .key("terminal")
      .boolean(false)
      .key("settable_by_worker")
      .boolean(true)
      .key("next")
      .begin_array()
      .string(to_string(TaskStatus::pending))
      .end_array()
      .end_object();
  writer.end_array()
      .key("schema")
      .begin_object()
      .member("$schema", "https://json-schema.org/draft/2020-12/schema")
      .member("type", "string")
      .key("enum")
      .begin_array();
  for (const TaskStatus status : kAllStatuses) writer.string(to_string(status));
  writer.string("released").end_array().end_object().end_object();
  return out;
}

}  // namespace

std::string_view statuses_json() {
  static const std::string text = make_statuses();
  return text;
}

}  // namespace tandem::wire
