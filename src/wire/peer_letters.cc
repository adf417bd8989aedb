#include "wire/peer_letters.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/limits.h"
#include "wire/fields.h"
#include "wire/json_writer.h"

namespace tandem::wire {
namespace {

constexpr std::array<std::string_view, 4> kAskKinds = {"cancel", "input", "resize", "remove"};
constexpr std::int64_t kMost = std::int64_t{1} << 53;
constexpr std::size_t kMaxIds = 100'000, kMaxGroups = 10'000, kMaxSentenceBytes = 64 * 1024;
constexpr int kMaxGroupSlots = 10'000'000, kMaxCells = 100'000;

// In the order of the variant.
constexpr std::array<std::string_view, 10> kTypes = {
    "ask",     "answer",  "worker_came",      "given",         "free_slots",
    "watched", "changed", "accounts_changed", "workers_asked", "workers_told"};
static_assert(kTypes.size() == std::variant_size_v<PeerLetter>);

template <class AnyId>
void write_ids(JsonWriter& writer, std::string_view name, const std::vector<AnyId>& ids) {
  writer.key(name).begin_array();
  for (const AnyId& id : ids) writer.id(id);
  writer.end_array();
}

void write(JsonWriter& writer, const TaskAsk& ask) {
  writer.key("number").integer(static_cast<std::int64_t>(ask.number));
  writer.member("kind", kAskKinds.at(static_cast<std::size_t>(ask.kind)));
  writer.key("client_id").id_or_null(ask.client_id).key("admin").boolean(ask.admin);
  writer.key("task_id").id(ask.task_id);
  if (ask.kind == AskKind::input)
    writer.member("data", ask.data).member("request_id", ask.request_id);
  writer.key("eof").boolean(ask.eof).key("force").boolean(ask.force);
  writer.key("cols").integer(ask.cols).key("rows").integer(ask.rows);
}
void write(JsonWriter& writer, const TaskAnswer& answer) {
  writer.key("number").integer(static_cast<std::int64_t>(answer.number));
  writer.key("was_started").boolean(answer.was_started);
  if (!answer.error) return;
  writer.member("code", to_string(answer.error->code)).member("detail", answer.error->detail);
}
void write(JsonWriter& writer, const WorkerCame& came) {
  writer.key("worker_id").id(came.worker_id);
}
void write(JsonWriter& writer, const TasksGiven& given) {
  writer.key("worker_id").id_or_null(given.worker_id);
  write_ids(writer, "tasks", given.tasks);
}
void write(JsonWriter& writer, const FreeSlots& free) {
  writer.key("groups").begin_array();
  for (const FreeSlots::Group& group : free.groups) {
    writer.begin_object().key("slots").integer(group.slots);
    writer.key("pushes").boolean(group.profile.channel == WorkerChannel::push);
    writer.key("labels").text_map(group.profile.labels);
    writer.key("job_types").text_list(group.profile.job_types);
    writer.key("queues").text_list(group.profile.queues).end_object();
  }
  writer.end_array();
}
void write(JsonWriter& writer, const TasksWatched& watched) {
  write_ids(writer, "tasks", watched.tasks);
}
void write(JsonWriter& writer, const TasksChanged& changed) {
  write_ids(writer, "tasks", changed.tasks);
}
void write(JsonWriter&, const AccountsChanged&) {}

void write(JsonWriter& writer, const WorkersAsked& asked) {
  writer.key("number").integer(static_cast<std::int64_t>(asked.number));
  write_ids(writer, "workers", asked.workers);
}
void write(JsonWriter& writer, const WorkerState& worker) {
  writer.begin_object().key("worker_id").id(worker.worker_id);
  if (worker.channel) writer.key("pushes").boolean(*worker.channel == WorkerChannel::push);
  writer.key("last_seen_at").time_or_null(worker.last_seen_at).key("tasks").begin_array();
  for (const HeldTask& task : worker.tasks) {
    writer.begin_object().key("task_id").id(task.task_id);
    writer.key("attempt").integer(task.attempt).member("status", to_string(task.status));
    writer.end_object();
  }
  writer.end_array().end_object();
}
void write(JsonWriter& writer, const WorkersTold& told) {
  writer.key("number").integer(static_cast<std::int64_t>(told.number));
  writer.key("workers").begin_array();
  for (const WorkerState& worker : told.workers) write(writer, worker);
  writer.end_array();
}

template <class AnyId>
bool read_id(Fields& fields, std::string_view name, AnyId& out) {
  std::string text;
  if (!fields.text(name, text, limits::kMaxNameBytes)) return false;
  const auto id = AnyId::parse(text);
  if (!id) fields.wrong(name, "must be an id");
  if (id) out = *id;
  return id.has_value();
}

template <class AnyId>
void read_ids(Fields& fields, std::string_view name, std::vector<AnyId>& ids) {
  const boost::json::array* list = fields.array(name, 0, kMaxIds);
  if (list == nullptr) return;
  for (const boost::json::value& value : *list) {
    const auto* text = value.if_string();
    const auto id = text == nullptr ? std::nullopt : AnyId::parse(view(*text));
    if (!id) return fields.wrong(name, "must be ids");
    ids.push_back(*id);
  }
}

void read(Fields& fields, FreeSlots::Group& group);
void read(Fields& fields, HeldTask& task);
void read(Fields& fields, WorkerState& worker);

// Each object of a list, as read() takes it.
template <class T>
void read_objects(Fields& fields, std::string_view name, std::size_t most, std::vector<T>& out) {
  const boost::json::array* list = fields.array(name, 0, most);
  if (list == nullptr) return;
  for (const boost::json::value& value : *list) {
    const auto* object = value.if_object();
    if (object == nullptr) return fields.wrong(name, "must be objects");
    std::vector<FieldError> errors;
    Fields inner(*object, "", errors);
    read(inner, out.emplace_back());
    if (!errors.empty())
      return fields.wrong(name, errors.front().field + " " + errors.front().message);
  }
}

void read_number(Fields& fields, std::uint64_t& number) {
  std::int64_t value = 0;
  fields.required("number");
  fields.integer("number", value, 0, kMost);
  number = static_cast<std::uint64_t>(value);
}

void read(Fields& fields, TaskAsk& ask) {
  read_number(fields, ask.number);
  std::string kind;
  fields.text("kind", kind, limits::kMaxNameBytes);
  const auto found = std::find(kAskKinds.begin(), kAskKinds.end(), kind);
  if (found == kAskKinds.end()) return fields.wrong("kind", "is not known");
  ask.kind = static_cast<AskKind>(found - kAskKinds.begin());
  read_id(fields, "client_id", ask.client_id);
  fields.boolean("admin", ask.admin);
  fields.required("task_id");
  read_id(fields, "task_id", ask.task_id);
  fields.text("data", ask.data, limits::kMaxInputBytes);
  fields.text("request_id", ask.request_id, limits::kMaxNameBytes);
  fields.boolean("eof", ask.eof);
  fields.boolean("force", ask.force);
  fields.integer("cols", ask.cols, 0, kMaxCells);
  fields.integer("rows", ask.rows, 0, kMaxCells);
}
void read(Fields& fields, TaskAnswer& answer) {
  read_number(fields, answer.number);
  fields.boolean("was_started", answer.was_started);
  std::string code;
  if (!fields.text("code", code, limits::kMaxNameBytes)) return;
  Error error = fail(errc_from_name(code).value_or(Errc::internal));
  fields.text("detail", error.detail, kMaxSentenceBytes);
  answer.error = std::move(error);
}
void read(Fields& fields, WorkerCame& came) {
  fields.required("worker_id");
  read_id(fields, "worker_id", came.worker_id);
}
void read(Fields& fields, TasksGiven& given) {
  read_id(fields, "worker_id", given.worker_id);
  read_ids(fields, "tasks", given.tasks);
}
void read(Fields& fields, FreeSlots::Group& group) {
  bool pushes = true;
  fields.integer("slots", group.slots, 0, kMaxGroupSlots);
  fields.boolean("pushes", pushes);
  group.profile.channel = pushes ? WorkerChannel::push : WorkerChannel::polling;
  fields.labels("labels", group.profile.labels);
  fields.names("job_types", group.profile.job_types, limits::kMaxNameBytes);
  fields.names("queues", group.profile.queues, limits::kMaxNameBytes);
}
void read(Fields& fields, FreeSlots& free) {
  read_objects(fields, "groups", kMaxGroups, free.groups);
}
void read(Fields& fields, TasksWatched& watched) { read_ids(fields, "tasks", watched.tasks); }
void read(Fields& fields, TasksChanged& changed) { read_ids(fields, "tasks", changed.tasks); }
void read(Fields&, AccountsChanged&) {}

void read(Fields& fields, WorkersAsked& asked) {
  read_number(fields, asked.number);
  read_ids(fields, "workers", asked.workers);
}
void read(Fields& fields, HeldTask& task) {
  fields.required("task_id");
  read_id(fields, "task_id", task.task_id);
  std::int64_t attempt = 0;
  fields.integer("attempt", attempt, 0, std::numeric_limits<std::uint32_t>::max());
  task.attempt = static_cast<std::uint32_t>(attempt);
  std::string name;
  fields.text("status", name, limits::kMaxNameBytes);
  const auto status = task_status_from(name);
  if (!status) return fields.wrong("status", "is not known");
  task.status = *status;
}
void read(Fields& fields, WorkerState& worker) {
  fields.required("worker_id");
  read_id(fields, "worker_id", worker.worker_id);
  bool pushes = false;
  if (fields.boolean("pushes", pushes))
    worker.channel = pushes ? WorkerChannel::push : WorkerChannel::polling;
  fields.time("last_seen_at", worker.last_seen_at);
  read_objects(fields, "tasks", kMaxIds, worker.tasks);
}
void read(Fields& fields, WorkersTold& told) {
  read_number(fields, told.number);
  read_objects(fields, "workers", kMaxIds, told.workers);
}

// The empty letter of a type, by its place.
template <std::size_t... Place>
PeerLetter letter_at(std::size_t place, std::index_sequence<Place...>) {
  PeerLetter letter;
  ((place == Place ? static_cast<void>(letter.emplace<Place>()) : void()), ...);
  return letter;
}

}  // namespace

std::string encode_letter(const PeerLetter& letter) {
  std::string text;
  JsonWriter writer(text);
  writer.begin_object().member("type", kTypes.at(letter.index()));
  std::visit([&writer](const auto& what) { write(writer, what); }, letter);
  writer.end_object();
  return text;
}

Result<PeerLetter> decode_letter(std::string_view text) {
  Document document;
  const auto object = object_of(document, text);
  if (!object) return object.error().error;
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  std::string type;
  fields.text("type", type, limits::kMaxNameBytes);
  const auto found = std::find(kTypes.begin(), kTypes.end(), type);
  if (found == kTypes.end())
    return fail(Errc::not_implemented, "A letter of the unknown type '" + type + "'");
  PeerLetter letter = letter_at(static_cast<std::size_t>(found - kTypes.begin()),
                                std::make_index_sequence<std::variant_size_v<PeerLetter>>());
  std::visit([&fields](auto& what) { read(fields, what); }, letter);
  if (!errors.empty())
    return fail(Errc::validation_failed, errors.front().field + " " + errors.front().message);
  return letter;
}

}  // namespace tandem::wire
