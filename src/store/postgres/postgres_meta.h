#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace tandem::store {

// A fact of the installation (AccountStore), read over a connection of its own and for a moment:
// beside a server that runs. The schema must be there. Blocks. Errors: store_unavailable.
Result<std::optional<std::string>> read_postgres_meta(const std::string& url,
                                                      const std::string& key);

}  // namespace tandem::store
