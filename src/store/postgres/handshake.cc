#include "store/postgres/handshake.h"

#include <string>

#include "postgres_queries.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

constexpr std::int64_t kOldestServer = 130000;

}  // namespace

Result<void> shake_hands(Connection& connection) {
  auto described = connection.run({{sql::describe_server}}, patience::kReopenMs);
  if (!described) return described.error();
  const Row server(described->front(), 0);
  if (server.number(0) < kOldestServer)
    return fail(Errc::store_unavailable, "The database is PostgreSQL " +
                                             std::to_string(server.number(0) / 10'000) +
                                             "; version 13 or a newer one is needed");
  if (server.bytes(1) != "UTF8")
    return fail(Errc::store_unavailable, "The database keeps texts in " +
                                             std::string(server.bytes(1)) +
                                             "; make one with the encoding UTF8");
  if (server.number(2) != connection.backend_pid()) return {};  // a pooler stands between
  connection.set_direct();
  Statement settle{sql::settle_session};
  settle.params.text(std::to_string(patience::kStatementMs))
      .text(std::to_string(patience::kLockMs));
  auto settled = connection.run({std::move(settle)}, patience::kReopenMs);
  return settled ? Result<void>() : settled.error();
}

}  // namespace tandem::store::postgres
