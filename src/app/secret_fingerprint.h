#pragma once

#include <string>

#include "app/installation.h"
#include "base/result.h"
#include "config/settings.h"
#include "store/store.h"

namespace tandem::app {

// Servers on one PostgreSQL database must sign tokens with the same secret. So the database keeps a
// fingerprint of it: that of the server which started last with a secret that fits. Each answers a
// sentence for the operator where `secret`, or the one before it, does not fit, else nothing.
// Nothing is refused: the secret may be being changed. Blocks.

// At a server's start, which keeps its own where it fits, is the first, or takes the place of one
// that this data directory's server kept.
Result<std::string> keep_secret_fingerprint(const config::Settings& settings,
                                            const Installation& place, const std::string& secret,
                                            store::Store& store);
// Changes nothing; beside a server that runs.
Result<std::string> compare_secret_fingerprint(const config::Settings& settings);

}  // namespace tandem::app
