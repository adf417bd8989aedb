#pragma once

#include <boost/system/result.hpp>

#include "base/error.h"

namespace tandem {

// A value or an Error. Test with `if (!result) return result.error();`, read with `*result`.
// `value()` on an error throws std::runtime_error: for tests and main only.
template <class T>
using Result = boost::system::result<T, Error>;

[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

inline Error fail(Errc code, std::string detail = {}, std::string field = {}) {
  return Error{code, std::move(detail), std::move(field)};
}

}  // namespace tandem
