#include "app/cli/payload.h"

#include "wire/json_writer.h"
#include "wire/raw_json.h"

namespace tandem::app::cli {
namespace {

using Members = std::vector<std::pair<std::string, std::string>>;  // values as JSON texts

void put(Members& members, std::string_view key, std::string json) {
  for (auto& [name, value] : members)
    if (name == key) {
      value = std::move(json);
      return;
    }
  members.emplace_back(key, std::move(json));
}

std::string json_text(std::string_view text) {
  std::string out;
  wire::append_json_string(out, text);
  return out;
}

// 5, true, {"a": 1} stay what they are; all else is a string.
std::string value_of(std::string_view text) {
  return wire::check_json(text) ? std::string(text) : json_text(text);
}

Result<Members> payload_members(const std::string& payload) {
  Members members;
  if (payload.empty()) return members;
  if (auto checked = wire::check_json(payload); !checked)
    return fail(Errc::bad_json, "The payload is no JSON: " + checked.error().detail);
  if (payload[payload.find_first_not_of(" \t\r\n")] != '{')
    return fail(Errc::bad_request, "The payload must be a JSON object");
  for (const auto& [key, value] : wire::raw_members(payload))
    members.emplace_back(key, std::string(value));
  return members;
}

}  // namespace

std::optional<std::pair<std::string, std::string>> split_pair(std::string_view text) {
  const std::size_t end = text.find_first_of("=:");
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  return std::pair(std::string(text.substr(0, end)), std::string(text.substr(end + 1)));
}

std::string raw_option(std::string_view name, std::string_view json) {
  return json_text(name) + ":" + std::string(json);
}

std::string text_option(std::string_view name, std::string_view text) {
  return raw_option(name, json_text(text));
}

std::string map_option(std::string_view name, const std::map<std::string, std::string>& map) {
  std::string out;
  wire::JsonWriter(out).text_map(map);
  return raw_option(name, out);
}

std::string list_option(std::string_view name, const std::vector<std::string>& list) {
  std::string out;
  wire::JsonWriter(out).text_list(list);
  return raw_option(name, out);
}

Result<std::string> encode_submission(const Submission& submission) {
  auto members = payload_members(submission.payload);
  if (!members) return members.error();
  if (!submission.job_type.empty()) put(*members, "job_type", json_text(submission.job_type));
  if (!submission.argv.empty()) {
    std::string argv;
    wire::JsonWriter(argv).text_list(submission.argv);
    put(*members, "argv", std::move(argv));
  }
  if (!submission.script.empty()) put(*members, "script", json_text(submission.script));
  for (const std::string& text : submission.set) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Errc::bad_request, "--set wants key=value, not '" + text + "'");
    put(*members, std::string_view(text).substr(0, equals), value_of(text.substr(equals + 1)));
  }
  std::string body;
  wire::JsonWriter json(body);
  json.begin_object().key("payload").begin_object();
  for (const auto& [key, value] : *members) json.key_of(key).raw(value);
  json.end_object().end_object();
  body.pop_back();
  for (const std::string& option : submission.options) body += "," + option;
  body += "}";
  return body;
}

}  // namespace tandem::app::cli
