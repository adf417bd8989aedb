#pragma once

#include "base/result.h"
#include "store/postgres/connection.h"

namespace tandem::store::postgres {

// How long one waits for a sign of life, in milliseconds. All of them together keep an answer to a
// client within two seconds, whether the database is slow, dead or cut off.
namespace patience {
inline constexpr int kOpenMs = 3000;       // the first time
inline constexpr int kReopenMs = 700;      // while others wait
inline constexpr int kWriteMs = 1200;      // one round trip of the writer
inline constexpr int kReadMs = 1900;       // one round trip of a reader
inline constexpr int kLockMs = 700;        // for a row that another transaction holds
inline constexpr int kStatementMs = 5000;  // then the server gives up what nobody waits for
inline constexpr int kMigrateMs = 600'000;
}  // namespace patience

// What must be true of the server behind a fresh connection, and what is set for a session of our
// own. store_unavailable, with a sentence for the operator: its version or its encoding is of no
// use.
Result<void> shake_hands(Connection& connection);

}  // namespace tandem::store::postgres
