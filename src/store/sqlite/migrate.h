#pragma once

#include "base/result.h"
#include "store/sqlite/connection.h"

namespace tandem::store {

// Brings the schema to this program's version, each migration in a transaction of its own. A schema
// that a newer program made is refused with store_unavailable, and nothing is changed.
Result<void> migrate(Connection& connection);

}  // namespace tandem::store
