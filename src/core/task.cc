#include "core/task.h"

#include "base/assert.h"

namespace tandem {

std::string_view to_string(Assignment assignment) {
  switch (assignment) {
    case Assignment::any: return "any";
    case Assignment::push: return "push";
    case Assignment::polling: return "polling";
  }
  TANDEM_ASSERT(false);
}

std::optional<Assignment> assignment_from(std::string_view name) {
  for (Assignment value : {Assignment::any, Assignment::push, Assignment::polling})
    if (to_string(value) == name) return value;
  return std::nullopt;
}

}  // namespace tandem
