#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The body of a submit, from what was typed.
namespace tandem::app::cli {

struct Submission {
  std::string job_type;              // empty: the payload has one
  std::string payload;               // a JSON object; empty: {}
  std::vector<std::string> set;      // key=value: members added to the payload
  std::vector<std::string> argv;     // of `exec`
  std::string script;                // of `shell`
  std::vector<std::string> options;  // "priority":5 — finished members of the task beside payload
};

// Errors: bad_json, bad_request; a sentence for the one who typed.
Result<std::string> encode_submission(const Submission& submission);

// "k=v" or "k:v"; nothing without a key.
std::optional<std::pair<std::string, std::string>> split_pair(std::string_view text);
// `"name":"text"`, `"name":value`, `"name":{"k":"v"}`
std::string text_option(std::string_view name, std::string_view text);
std::string raw_option(std::string_view name, std::string_view json);
std::string map_option(std::string_view name, const std::map<std::string, std::string>& map);
std::string list_option(std::string_view name, const std::vector<std::string>& list);

}  // namespace tandem::app::cli
