#include "wire/decoded.h"

#include <utility>

namespace tandem::wire {

void throw_exception_from_error(const Rejection& rejection, const boost::source_location& where) {
  Error error = rejection.error;
  for (const FieldError& field : rejection.fields)
    error.detail += " [" + field.field + ": " + field.message + "]";
  tandem::throw_exception_from_error(error, where);
}

Rejection reject(std::vector<FieldError> fields) {
  std::string detail;
  if (!fields.empty()) {
    detail = fields.front().field.empty() ? "The body" : fields.front().field;
    detail += " " + fields.front().message;
    if (fields.size() > 1) detail += " (and " + std::to_string(fields.size() - 1) + " more)";
  }
  return {fail(Errc::validation_failed, std::move(detail)), std::move(fields)};
}

Rejection reject(Error error) { return {std::move(error), {}}; }

}  // namespace tandem::wire
