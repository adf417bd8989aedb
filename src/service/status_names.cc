#include "service/status_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "wire/raw_json.h"

namespace tandem::service {
namespace {

using wire::UpdateStatus;

struct Meaning {
  UpdateStatus status;
  std::array<std::string_view, 12> words;  // nearest first, as folded() writes them
};

constexpr std::array kMeanings = {
    Meaning{UpdateStatus::running,
            {"running", "inprogress", "processing", "started", "active", "working", "executing",
             "busy", "ongoing", "begun", "accepted", "assigned"}},
    Meaning{UpdateStatus::waiting_for_input,
            {"waitingforinput", "inputrequired", "needsinput", "awaitinginput", "waiting",
             "blocked", "paused", "running", "inprogress", "processing", "started", "active"}},
    Meaning{UpdateStatus::completed,
            {"completed", "complete", "succeeded", "success", "successful", "done", "finished",
             "ok", "passed", "ended", "closed", "resolved"}},
    Meaning{UpdateStatus::failed,
            {"failed", "failure", "error", "errored", "fail", "crashed", "aborted", "broken",
             "rejected", "unsuccessful", "dead", "cancelled"}},
    Meaning{UpdateStatus::cancelled,
            {"cancelled", "canceled", "aborted", "stopped", "killed", "terminated", "revoked",
             "skipped", "failed", "failure", "error", "errored"}},
    Meaning{UpdateStatus::released,
            {"released", "requeued", "returned", "pending", "queued", "waiting", "new", "open",
             "created", "failed", "failure", "error"}},
};

// In_Progress, in-progress and inProgress are one word.
std::string folded(std::string_view word) {
  std::string letters;
  for (const char c : word)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      letters.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return letters;
}

std::vector<std::string> names_in(std::string_view value, int depth);

std::vector<std::string> names_of_list(std::string_view list) {
  std::vector<std::string> names;
  for (const std::string_view element : wire::raw_elements(list)) {
    std::string name = wire::raw_string(element).value_or("");
    for (const std::string_view key : {"name", "status", "value", "id"})
      if (name.empty()) name = wire::string_member(element, key);
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> names_of_object(std::string_view object, int depth) {
  for (const std::string_view key :
       {"statuses", "job_statuses", "enum", "status", "values", "items", "schema", "properties"})
    if (const auto member = wire::raw_member(object, key))
      if (auto names = names_in(*member, depth + 1); !names.empty()) return names;
  std::vector<std::string> names;
  for (const auto& [key, value] : wire::raw_members(object)) names.push_back(key);
  return names;
}

std::vector<std::string> names_in(std::string_view value, int depth) {
  constexpr int kMaxDepth = 4;
  if (depth > kMaxDepth) return {};
  if (value.starts_with('[')) return names_of_list(value);
  if (value.starts_with('{')) return names_of_object(value, depth);
  return {};
}

}  // namespace

StatusNames::StatusNames(std::vector<std::string> known) {
  for (const Meaning& meaning : kMeanings) {
    for (const std::string_view word : meaning.words) {
      const auto found = std::find_if(known.begin(), known.end(), [&](const std::string& name) {
        return folded(name) == word;
      });
      if (found == known.end()) continue;
      names_[meaning.status] = *found;
      break;
    }
  }
}

StatusNames StatusNames::of_schema(std::string_view body) {
  if (!wire::check_json(body)) return {};
  const std::size_t first = body.find_first_not_of(" \t\r\n");
  return StatusNames(names_in(body.substr(std::min(first, body.size())), 0));
}

std::string_view StatusNames::name_of(UpdateStatus status) const {
  const auto found = names_.find(status);
  return found == names_.end() ? wire::to_string(status) : std::string_view(found->second);
}

}  // namespace tandem::service
