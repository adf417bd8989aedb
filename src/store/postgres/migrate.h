#pragma once

#include "base/result.h"
#include "store/postgres/connection.h"

namespace tandem::store::postgres {

// Brings the schema `tandem` to this program's version, all in one transaction and one server at a
// time. A schema that a newer program made is refused with store_unavailable, and nothing is
// changed.
Result<void> migrate(Connection& connection);

}  // namespace tandem::store::postgres
