#include "wire/control_line.h"

#include "base/limits.h"
#include "wire/fields.h"
#include "wire/raw_json.h"

namespace tandem::wire {
namespace {

ControlLine read_progress(Fields& fields) {
  Progress progress;
  double percent = 0;
  if (fields.number("percent", percent, 0, 100)) progress.percent = percent;
  fields.text("message", progress.message, limits::kMaxMessageBytes);
  return progress;
}

ControlLine read_result(Fields& fields, std::string_view line) {
  ResultLine result;
  const auto value = raw_member(line, "value");
  if (!value) {
    fields.wrong("value", "is required");
    return result;
  }
  append_compact(result.value, *value);
  if (result.value.size() > limits::kMaxResultBytes)
    fields.wrong("value",
                 "must have at most " + std::to_string(limits::kMaxResultBytes) + " bytes");
  return result;
}

ControlLine read_input_request(Fields& fields) {
  InputRequestLine request;
  fields.text("prompt", request.prompt, limits::kMaxMessageBytes);
  fields.boolean("password", request.password);
  return request;
}

}  // namespace

Decoded<ControlLine> decode_control_line(std::string_view line) {
  Document document;
  auto object = object_of(document, line);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  std::string type;
  fields.required("type");
  fields.text("type", type, 32);
  ControlLine answer;
  if (type == "progress")
    answer = read_progress(fields);
  else if (type == "result")
    answer = read_result(fields, line);
  else if (type == "input_request")
    answer = read_input_request(fields);
  else if (errors.empty())
    fields.wrong("type", "must be progress, result or input_request");
  if (!errors.empty()) return reject(std::move(errors));
  return answer;
}

}  // namespace tandem::wire
