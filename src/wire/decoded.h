#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace tandem::wire {

// One member of a body that is not right: `tasks[3].priority`, and a sentence about it.
struct FieldError {
  std::string field;
  std::string message;
  bool operator==(const FieldError&) const = default;
};

// Why a text was not taken: bad_json (400, `fields` is empty) or validation_failed (422, all that
// is wrong, in the order of the body).
struct Rejection {
  Error error;
  std::vector<FieldError> fields;
};

[[noreturn]] void throw_exception_from_error(const Rejection& rejection,
                                             const boost::source_location& where);

Rejection reject(std::vector<FieldError> fields);
Rejection reject(Error error);

// Test with `if (!decoded) return decoded.error();`, read with `*decoded`.
template <class T>
using Decoded = boost::system::result<T, Rejection>;

}  // namespace tandem::wire
