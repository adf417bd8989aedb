#pragma once

#include <string>
#include <string_view>

#include "tests/fuzz/target.h"
#include "wire/decoded.h"
#include "wire/problem.h"
#include "wire/raw_json.h"

namespace tandem::fuzz {

// A refused body says what is wrong with it, in text that may go into an answer.
inline void check_rejection(const wire::Rejection& rejection) {
  const Errc code = rejection.error.code;
  TANDEM_ASSERT(code == Errc::bad_json || code == Errc::bad_request ||
                code == Errc::validation_failed);
  TANDEM_ASSERT(rejection.fields.empty() == (code != Errc::validation_failed));
  for (const wire::FieldError& field : rejection.fields) TANDEM_ASSERT(!field.message.empty());
  const std::string problem = wire::encode_problem(rejection.error, "", rejection.fields);
  TANDEM_ASSERT(wire::check_json(problem));
}

// What was taken is written as JSON that is taken again and written the same: nothing is lost or
// made up on the way.
template <class Decode, class Encode>
void check_round_trip(std::string_view text, Decode decode, Encode encode) {
  const auto decoded = decode(text);
  if (!decoded) {
    if constexpr (requires { check_rejection(decoded.error()); }) check_rejection(decoded.error());
    return;
  }
  const std::string written = encode(*decoded);
  TANDEM_ASSERT(wire::check_json(written));
  const auto again = decode(std::string_view(written));
  TANDEM_ASSERT(again.has_value());
  TANDEM_ASSERT(encode(*again) == written);
}

}  // namespace tandem::fuzz
