#include "wire/log_json.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "wire/fields.h"
#include "wire/json_writer.h"
#include "wire/log_fields.h"
#include "wire/loose.h"

namespace tandem::wire {
namespace {

void write_data(JsonWriter& writer, std::string_view data) {
  if (is_utf8(data))
    writer.key("data").string(data);
  else
    writer.key("data_base64").string(to_base64(data));
}

void read_data(Fields& fields, std::string& out) {
  const bool has_base64 = fields.has("data_base64");
  if (fields.has("data") == has_base64)
    fields.wrong("data", "or data_base64, and only one of them, is required");
  fields.text("data", out, limits::kMaxRecordBytes);
  std::string encoded;
  if (!fields.text("data_base64", encoded, limits::kMaxRecordBytes / 3 * 4 + 8)) return;
  auto bytes = from_base64(encoded);
  if (!bytes || bytes->size() > limits::kMaxRecordBytes)
    fields.wrong("data_base64",
                 "must be base64 of at most " + std::to_string(limits::kMaxRecordBytes) + " bytes");
  else
    out = std::move(*bytes);
}

void read_record(Fields& fields, OwnedLogLine& line) {
  std::int64_t seq = 0, attempt = 0;
  if (fields.integer("seq", seq, 1, INT64_MAX) && static_cast<std::uint64_t>(seq) != line.seq)
    fields.wrong("seq", "must be " + std::to_string(line.seq) + ": records are dense");
  if (fields.integer("attempt", attempt, 1, UINT32_MAX) && attempt != line.attempt)
    fields.wrong("attempt", "must be that of the batch");
  fields.required("ts");
  std::optional<WallTime> ts;
  if (fields.time("ts", ts)) line.ts = *ts;
  fields.required("stream");
  if (fields.text("stream", line.stream, 16) && line.stream != "stdout" &&
      line.stream != "stderr" && line.stream != "system")
    fields.wrong("stream", "must be stdout, stderr or system");
  read_data(fields, line.data);
  fields.finish();
}

}  // namespace

void encode_log_line(const LogLine& line, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object()
      .key("seq")
      .integer(static_cast<std::int64_t>(line.seq))
      .key("ts")
      .time(line.ts)
      .key("attempt")
      .integer(line.attempt)
      .member("stream", line.stream);
  write_data(writer, line.data);
  writer.end_object();
}

void encode_log_lines(std::span<const LogLine> lines, std::string& out) {
  out.push_back('[');
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.push_back(',');
    encode_log_line(lines[i], out);
  }
  out.push_back(']');
}

LogBatch read_log_batch(Fields& fields, std::string_view prefix, std::vector<FieldError>& errors) {
  LogBatch batch;
  std::int64_t attempt = 0, first_seq = 0;
  fields.required("attempt");
  fields.integer("attempt", attempt, 1, UINT32_MAX);
  fields.required("first_seq");
  fields.integer("first_seq", first_seq, 1, INT64_MAX / 2);
  fields.required("records");
  batch.attempt = static_cast<std::uint32_t>(attempt);
  batch.first_seq = static_cast<std::uint64_t>(first_seq);
  const boost::json::array* records =
      fields.array("records", 1, static_cast<std::size_t>(limits::kMaxLogPageRecords));
  if (records == nullptr) return batch;
  batch.records.reserve(records->size());
  for (const boost::json::value& value : *records) {
    const std::size_t index = batch.records.size();
    OwnedLogLine& line = batch.records.emplace_back();
    line.attempt = batch.attempt;
    line.seq = batch.first_seq + index;
    const std::string name = std::string(prefix) + "records[" + std::to_string(index) + "].";
    if (const boost::json::object* object = value.if_object()) {
      Fields record(*object, name, errors);
      read_record(record, line);
    } else {
      fields.wrong("records[" + std::to_string(index) + "]", "must be an object");
    }
    if (errors.size() >= kMaxFieldErrors) break;
  }
  return batch;
}

Decoded<LogBatch> decode_log_batch(std::string_view body) {
  Document document;
  auto object = object_of(document, body);
  if (!object) return object.error();
  std::vector<FieldError> errors;
  Fields fields(**object, "", errors);
  LogBatch batch = read_log_batch(fields, "", errors);
  fields.finish();
  if (!errors.empty()) return reject(std::move(errors));
  return batch;
}

void write_log_batch(JsonWriter& writer, std::span<const LogLine> lines) {
  writer.key("attempt")
      .integer(lines.front().attempt)
      .key("first_seq")
      .integer(static_cast<std::int64_t>(lines.front().seq))
      .key("records")
      .begin_array();
  for (const LogLine& line : lines) {
    writer.begin_object().key("ts").time(line.ts).member("stream", line.stream);
    write_data(writer, line.data);
    writer.end_object();
  }
  writer.end_array();
}

void encode_log_batch(std::span<const LogLine> lines, std::string& out) {
  JsonWriter writer(out);
  writer.begin_object();
  write_log_batch(writer, lines);
  writer.end_object();
}

std::vector<OwnedLogLine> read_log_lines(const boost::json::array& values) {
  std::vector<OwnedLogLine> lines;
  lines.reserve(values.size());
  for (const boost::json::value& value : values) {
    const loose::Object* object = value.if_object();
    if (object == nullptr) continue;
    OwnedLogLine& line = lines.emplace_back();
    line.seq = static_cast<std::uint64_t>(loose::integer(*object, "seq", 0));
    line.attempt = static_cast<std::uint32_t>(loose::integer(*object, "attempt", 0));
    line.ts = loose::time(*object, "ts").value_or(WallTime{});
    line.stream = loose::text(*object, "stream");
    line.data = object->contains("data_base64")
                    ? from_base64(loose::text(*object, "data_base64")).value_or(std::string())
                    : loose::text(*object, "data");
  }
  return lines;
}

Result<std::vector<OwnedLogLine>> decode_log_lines(std::string_view body) {
  Document document;
  if (auto parsed = document.parse(body); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  const boost::json::array* values = object == nullptr ? nullptr : loose::array(*object, "items");
  if (object != nullptr && values == nullptr) values = loose::array(*object, "records");
  if (values == nullptr) return fail(Errc::bad_request, "The answer holds no log records");
  return read_log_lines(*values);
}

}  // namespace tandem::wire
