#pragma once

#include <string_view>

#include "base/result.h"

namespace tandem::store::postgres {

// An error of the database's, by its SQLSTATE, as the store's users see it. The sentence holds
// neither SQL nor what the database said of the row.
Error error_of(std::string_view sqlstate);

// The SQLSTATE within the verbose message of a connection that was refused; empty: there is none,
// as nobody answered.
std::string_view sqlstate_in(std::string_view message);

// Another server of the same address may be better.
bool is_of_standby(const Error& error);

inline constexpr std::string_view kTakenState = "23505", kReadOnlyState = "25006";

}  // namespace tandem::store::postgres
