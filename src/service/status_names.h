#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "wire/update_json.h"

namespace tandem::service {

// A service's own words for how a job is. By default ours.
class StatusNames {
 public:
  StatusNames() = default;
  // Of what a status_schema_url answers: any JSON in which the names stand as strings of a list, as
  // `name`, `status`, `value` or `id` of a list's objects, or as members of an object. Ours where
  // there are none.
  static StatusNames of_schema(std::string_view body);
  explicit StatusNames(std::vector<std::string> known);

  // The same word, or the one that means nearest to the same; our own where none does.
  std::string_view name_of(wire::UpdateStatus status) const;
  bool operator==(const StatusNames&) const = default;

 private:
  std::map<wire::UpdateStatus, std::string> names_;
};

}  // namespace tandem::service
