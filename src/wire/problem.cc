#include "wire/problem.h"

#include <algorithm>

#include "wire/json_writer.h"
#include "wire/raw_json.h"

namespace tandem::wire {
namespace {

void write_field(JsonWriter& writer, std::string_view field, std::string_view message) {
  writer.begin_object().member("field", field).member("message", message).end_object();
}

std::string encode(const Error& error, std::string_view request_id,
                   std::span<const FieldError> fields, bool oauth) {
  const ErrorRow& row = row_of(error.code);
  const std::string_view detail = error.detail.empty() ? row.sentence : error.detail;
  std::string out;
  out.reserve(256);
  JsonWriter writer(out);
  writer.begin_object()
      .member("type", "about:blank")
      .member("title", row.sentence)
      .key("status")
      .integer(row.http_status)
      .member("code", row.name)
      .member("detail", detail)
      .member("request_id", request_id);
  if (oauth) writer.member("error", oauth_name(error.code)).member("error_description", detail);
  if (!fields.empty() || !error.field.empty()) {
    writer.key("errors").begin_array();
    for (const FieldError& field : fields) write_field(writer, field.field, field.message);
    if (fields.empty()) write_field(writer, error.field, detail);
    writer.end_array();
  }
  writer.end_object();
  return out;
}

}  // namespace

std::string_view oauth_name(Errc code) {
  switch (code) {
    case Errc::invalid_client:
    case Errc::unsupported_grant_type:
    case Errc::invalid_scope: return to_string(code);
    case Errc::invalid_grant:
    case Errc::token_reused:
    case Errc::token_revoked:
    case Errc::token_expired:
    case Errc::token_invalid: return "invalid_grant";
    case Errc::store_unavailable:
    case Errc::shutting_down:
    case Errc::too_many_requests: return "temporarily_unavailable";
    case Errc::internal:
    case Errc::disk_full: return "server_error";
    default: return "invalid_request";
  }
}

std::string encode_problem(const Error& error, std::string_view request_id,
                           std::span<const FieldError> fields) {
  return encode(error, request_id, fields, false);
}

std::string encode_oauth_problem(const Error& error, std::string_view request_id,
                                 std::span<const FieldError> fields) {
  return encode(error, request_id, fields, true);
}

Problem decode_problem(std::string_view body, Errc fallback) {
  Problem problem;
  problem.error = fail(fallback, std::string(row_of(fallback).sentence));
  problem.code = to_string(fallback);
  if (!check_json(body)) return problem;
  if (std::string code = string_member(body, "code"); !code.empty()) {
    problem.error.code = errc_from_name(code).value_or(fallback);
    problem.code = std::move(code);
  }
  if (std::string detail = string_member(body, "detail"); !detail.empty())
    problem.error.detail = std::move(detail);
  problem.request_id = string_member(body, "request_id");
  for (const std::string_view entry :
       raw_elements(raw_member(body, "errors").value_or(std::string_view())))
    problem.fields.push_back({string_member(entry, "field"), string_member(entry, "message")});
  return problem;
}

}  // namespace tandem::wire
