#include "wire/update_json.h"

#include <array>

#include "base/limits.h"
#include "wire/json_writer.h"
#include "wire/loose.h"
#include "wire/raw_json.h"
#include "wire/update_fields.h"

namespace tandem::wire {
namespace {

constexpr std::array<std::string_view, 6> kUpdateStatuses = {
    "running", "waiting_for_input", "completed", "failed", "cancelled", "released"};

void read_progress(Fields& fields, std::string_view prefix, std::vector<FieldError>& errors,
                   Update& update) {
  if (const boost::json::object* object = fields.object("progress")) {
    const std::string name = std::string(prefix) + "progress.";
    Fields members(*object, name, errors);
    Progress& progress = update.progress.emplace();
    double percent = 0;
    if (members.number("percent", percent, 0, 100)) progress.percent = percent;
    members.text("message", progress.message, limits::kMaxMessageBytes);
    members.finish();
  }
  std::string message;
  if (!fields.text("message", message, limits::kMaxMessageBytes)) return;
  if (!update.progress) update.progress.emplace();
  update.progress->message = std::move(message);
}

void read_error(Fields& fields, std::string_view prefix, std::vector<FieldError>& errors,
                Update& update) {
  const boost::json::object* object = fields.object("error");
  if (object == nullptr) return;
  const std::string name = std::string(prefix) + "error.";
  Fields members(*object, name, errors);
  TaskError& error = update.error.emplace();
  members.required("code");
  members.name("code", error.code, limits::kMaxNameBytes);
  members.text("message", error.message, limits::kMaxMessageBytes);
  members.finish();
}

void read_input_request(Fields& fields, std::string_view prefix, std::vector<FieldError>& errors,
                        Update& update) {
  const boost::json::object* object = fields.object("input_request");
  if (object == nullptr) return;
  const std::string name = std::string(prefix) + "input_request.";
  Fields members(*object, name, errors);
  InputRequest& request = update.input_request.emplace();
  members.name("request_id", request.request_id, limits::kMaxNameBytes);
  members.text("prompt", request.prompt, limits::kMaxMessageBytes);
  members.boolean("password", request.password);
  members.finish();
}

void read_result(Fields& fields, std::string_view text, Update& update) {
  if (fields.find("result") == nullptr) return;
  append_compact(update.result, raw_member(text, "result").value_or(std::string_view()));
  if (update.result.size() > limits::kMaxResultBytes)
    fields.wrong("result",
                 "must have at most " + std::to_string(limits::kMaxResultBytes) + " bytes");
}

void read_status(Fields& fields, Update& update) {
  std::string status;
  fields.required("status");
  if (!fields.text("status", status, limits::kMaxNameBytes)) return;
  if (const auto known = update_status_from(status))
    update.status = *known;
  else
    fields.wrong("status",
                 "must be running, waiting_for_input, completed, failed, cancelled or released");
}

std::optional<int> maybe_integer(Fields& fields, std::string_view name, int min, int max) {
  int number = 0;
  if (!fields.integer(name, number, min, max)) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> read_number(Fields& fields, std::string_view name) {
  std::int64_t number = 0;
  if (!fields.integer(name, number, 0, INT64_MAX)) return std::nullopt;
  return static_cast<std::uint64_t>(number);
}

}  // namespace

std::string_view to_string(UpdateStatus status) {
  return kUpdateStatuses.at(static_cast<std::size_t>(status));
}

std::optional<UpdateStatus> update_status_from(std::string_view name) {
  for (std::size_t i = 0; i < kUpdateStatuses.size(); ++i)
    if (kUpdateStatuses[i] == name) return static_cast<UpdateStatus>(i);
  return std::nullopt;
}

AttemptRef read_attempt_ref(Fields& fields) {
  AttemptRef ref;
  fields.required("task_id");
  if (fields.text("task_id", ref.task_id, limits::kMaxNameBytes) && !parse_uuid(ref.task_id))
    fields.wrong("task_id", "must be an id such as the server gave");
  std::int64_t attempt = 0;
  fields.required("attempt");
  fields.integer("attempt", attempt, 1, UINT32_MAX);
  ref.attempt = static_cast<std::uint32_t>(attempt);
  return ref;
}

std::vector<AttemptRef> read_attempt_refs(Fields& fields, std::string_view name,
                                          std::vector<FieldError>& errors) {
  std::vector<AttemptRef> refs;
  const boost::json::array* list = fields.array(name, 0, limits::kMaxBatchTasks);
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const std::string one = std::string(name) + "[" + std::to_string(i) + "]";
    const boost::json::object* object = (*list)[i].if_object();
    if (object == nullptr) {
      fields.wrong(one, "must be an object");
      continue;
    }
    const std::string prefix = one + ".";
    Fields members(*object, prefix, errors);
    AttemptRef& ref = refs.emplace_back(read_attempt_ref(members));
    ref.input_seq = read_number(members, "input_seq");
    members.finish();
  }
  return refs;
}

void write_attempt_refs(JsonWriter& writer, std::span<const AttemptRef> refs) {
  writer.begin_array();
  for (const AttemptRef& ref : refs) {
    writer.begin_object().member("task_id", ref.task_id).key("attempt").integer(ref.attempt);
    if (ref.input_seq) writer.key("input_seq").integer(static_cast<std::int64_t>(*ref.input_seq));
    writer.end_object();
  }
  writer.end_array();
}

Update read_update(Fields& fields, std::string_view text, std::string_view prefix,
                   std::vector<FieldError>& errors) {
  Update update;
  AttemptRef ref = read_attempt_ref(fields);
  update.task_id = std::move(ref.task_id);
  update.attempt = ref.attempt;
  read_status(fields, update);
  read_progress(fields, prefix, errors, update);
  read_result(fields, text, update);
  read_error(fields, prefix, errors, update);
  update.exit_code = maybe_integer(fields, "exit_code", -1, 255);
  update.signal = maybe_integer(fields, "signal", 0, 64);
  read_input_request(fields, prefix, errors, update);
  update.input_seq = read_number(fields, "input_seq");
  update.log_records = read_number(fields, "log_records");
  return update;
}

Updates read_updates(Fields& fields, std::string_view text, std::vector<FieldError>& errors) {
  Updates result;
  result.is_batch = fields.has("updates");
  if (!result.is_batch) {
    result.updates.push_back(read_update(fields, text, "", errors));
    return result;
  }
  const auto* entries = fields.array("updates", 1, limits::kMaxBatchTasks);
  if (entries == nullptr) return result;
  const auto texts = raw_elements(raw_member(text, "updates").value_or(std::string_view()));
  for (std::size_t i = 0; i < entries->size() && errors.size() < kMaxFieldErrors; ++i) {
    const std::string name = "updates[" + std::to_string(i) + "]";
    const boost::json::object* entry = (*entries)[i].if_object();
    if (entry == nullptr) {
      fields.wrong(name, "must be an object");
      continue;
    }
    const std::string prefix = name + ".";
    Fields members(*entry, prefix, errors);
    result.updates.push_back(read_update(members, texts.at(i), prefix, errors));
    members.finish();
  }
  return result;
}

Decoded<Updates> decode_updates(std::string_view body) {
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  Updates result = read_updates(fields, body, errors);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return result;
}

void write_update(JsonWriter& writer, const Update& update, std::string_view status_name) {
  writer.member("task_id", update.task_id);
  if (update.attempt > 0) writer.key("attempt").integer(update.attempt);
  writer.member("status", status_name.empty() ? to_string(update.status) : status_name);
  if (update.progress) {
    writer.key("progress").begin_object();
    if (update.progress->percent) writer.key("percent").number(*update.progress->percent);
    if (!update.progress->message.empty()) writer.member("message", update.progress->message);
    writer.end_object();
  }
  if (!update.result.empty()) writer.key("result").raw(update.result);
  if (update.error)
    writer.key("error")
        .begin_object()
        .member("code", update.error->code)
        .member("message", update.error->message)
        .end_object();
  if (update.exit_code) writer.key("exit_code").integer(*update.exit_code);
  if (update.signal) writer.key("signal").integer(*update.signal);
  if (update.input_seq)
    writer.key("input_seq").integer(static_cast<std::int64_t>(*update.input_seq));
  if (update.log_records)
    writer.key("log_records").integer(static_cast<std::int64_t>(*update.log_records));
  if (!update.input_request) return;
  writer.key("input_request").begin_object();
  if (!update.input_request->request_id.empty())
    writer.member("request_id", update.input_request->request_id);
  writer.member("prompt", update.input_request->prompt)
      .key("password")
      .boolean(update.input_request->password)
      .end_object();
}

void encode_update(const Update& update, std::string& out, std::string_view status_name) {
  JsonWriter writer(out);
  writer.begin_object();
  write_update(writer, update, status_name);
  writer.end_object();
}

void write_refusal(JsonWriter& writer, const Error& error) {
  const ErrorRow& row = row_of(error.code);
  writer.key("error")
      .begin_object()
      .member("code", row.name)
      .member("detail", error.detail.empty() ? row.sentence : error.detail)
      .end_object();
}

void write_update_answer(JsonWriter& writer, const UpdateAnswer& answer) {
  writer.member("task_id", answer.task_id);
  if (answer.attempt > 0) writer.key("attempt").integer(answer.attempt);
  if (answer.error) return write_refusal(writer, *answer.error);
  writer.key("status")
      .string_or_null(answer.status)
      .key("cancel_requested")
      .boolean(answer.cancel_requested)
      .key("lease_expires_at")
      .time_or_null(answer.lease_expires_at)
      .key("input")
      .begin_array();
  for (const AnswerInput& piece : answer.input) {
    writer.begin_object()
        .key("seq")
        .integer(static_cast<std::int64_t>(piece.seq))
        .member("data", piece.data);
    if (piece.eof) writer.key("eof").boolean(true);
    writer.end_object();
  }
  writer.end_array();
}

void encode_update_answer(const UpdateAnswer& answer, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object();
  write_update_answer(writer, answer);
  writer.end_object();
}

std::string encode_update_answers(std::span<const UpdateAnswer> answers) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("updates").begin_array();
  for (const UpdateAnswer& answer : answers) {
    writer.begin_object();
    write_update_answer(writer, answer);
    writer.end_object();
  }
  writer.end_array().end_object();
  return out;
}

UpdateAnswer read_update_answer(const boost::json::object& object) {
  UpdateAnswer answer;
  answer.task_id = loose::text(object, "task_id");
  answer.attempt = static_cast<std::uint32_t>(loose::integer(object, "attempt", 0));
  answer.status = loose::text(object, "status");
  answer.cancel_requested = loose::flag(object, "cancel_requested");
  answer.lease_expires_at = loose::time(object, "lease_expires_at");
  if (const auto* pieces = loose::array(object, "input")) {
    for (const boost::json::value& value : *pieces) {
      const loose::Object* piece = value.if_object();
      if (piece == nullptr) continue;
      AnswerInput input;
      input.seq = static_cast<std::uint64_t>(loose::integer(*piece, "seq", 0));
      input.data = loose::text(*piece, "data");
      input.eof = loose::flag(*piece, "eof");
      answer.input.push_back(std::move(input));
    }
  }
  if (const auto* error = loose::object(object, "error")) {
    const Errc code = errc_from_name(loose::text(*error, "code")).value_or(Errc::bad_request);
    answer.error = fail(code, loose::text(*error, "detail"));
  }
  return answer;
}

Result<std::vector<UpdateAnswer>> decode_update_answers(std::string_view body) {
  Document document;
  if (auto parsed = document.parse(body); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  if (object == nullptr) return fail(Errc::bad_request, "The answer is no JSON object");
  std::vector<UpdateAnswer> answers;
  if (const auto* entries = loose::array(*object, "updates")) {
    for (const boost::json::value& entry : *entries)
      answers.push_back(entry.is_object() ? read_update_answer(entry.get_object())
                                          : UpdateAnswer{});
  } else {
    answers.push_back(read_update_answer(*object));
  }
  return answers;
}

}  // namespace tandem::wire
