#pragma once

#include <string_view>

#include "base/result.h"

namespace tandem::store::postgres {

// An error of the database's, by its SQLSTATE, as the store's users see it. The sentence holds
// neither SQL nor what the database said of the row.
Error error_of(std::string_view sqlstate);

// The same by the verbose message of a connection that could not be made.
Error error_of_connection(std::string_view message);

// Another server of the same address may be better.
bool is_of_standby(const Error& error);

inline constexpr std::string_view kTakenState = "23505", kReadOnlyState = "25006";

}  // namespace tandem::store::postgres
