#include "store/postgres/session.h"

#include <cstring>

#include "base/assert.h"
#include "postgres_queries.h"
#include "store/postgres/failure.h"
#include "store/postgres/handshake.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

constexpr std::string_view kBegin = "begin", kCommit = "commit", kRollback = "rollback";

Error ended() { return fail(Errc::store_unavailable, "The transaction has ended"); }

Statement lock_statement(std::int64_t key) {
  Statement statement{sql::lock_server};
  statement.params.bigint(key);
  return statement;
}

Result<void> settle(Connection& connection, std::int64_t lock_key) {
  if (auto good = shake_hands(connection); !good) return good;
  auto waited = connection.run({lock_statement(lock_key)}, patience::kReopenMs);
  return waited ? Result<void>() : waited.error();
}

}  // namespace

std::int64_t lock_key_of(const Uuid& id) {
  std::int64_t high = 0, low = 0;
  std::memcpy(&high, id.bytes.data(), 8);
  std::memcpy(&low, id.bytes.data() + 8, 8);
  return high ^ low;
}

Session::Session(const Address& address, const Uuid& server)
    : lock_key_(lock_key_of(server)),
      link_(address, [key = lock_key_](Connection& fresh) { return settle(fresh, key); }) {}

Statement Session::lock() const { return lock_statement(lock_key_); }

Result<void> Session::begin() {
  TANDEM_ASSERT(state_ == State::none);
  if (auto connection = link_.get(); !connection) return connection.error();
  state_ = State::unsent;
  return {};
}

Result<std::vector<Rows>> Session::run(const std::vector<Statement>& statements) {
  if (state_ == State::failed) return ended();
  if (state_ == State::none) return link_.run(statements, patience::kWriteMs, true);
  if (state_ == State::unsent) {
    std::vector<Statement> all = {{kBegin}, lock()};
    all.insert(all.end(), statements.begin(), statements.end());
    auto answers = link_.run(all, patience::kWriteMs, true);  // nothing of it is committed
    state_ = answers ? State::open : State::failed;
    if (!answers && is_of_standby(answers.error())) link_.drop();
    if (answers) answers->erase(answers->begin(), answers->begin() + 2);
    return answers;
  }
  auto answers = link_.run(statements, patience::kWriteMs, false);
  if (!answers) state_ = State::failed;
  return answers;
}

Result<Rows> Session::write(Statement statement) {
  if (!in_transaction()) return ended();
  return run(std::move(statement));
}

// A transaction without statements: that the database is there, and takes changes.
Result<void> Session::look() {
  auto answers = link_.run({{sql::is_read_only}}, patience::kWriteMs, true);
  if (!answers) return answers.error();
  if (answers->front().number(0, 0) == 0) return {};
  link_.drop();
  return error_of(kReadOnlyState);
}

Result<void> Session::commit(std::vector<Statement> last) {
  if (state_ == State::unsent) {
    state_ = State::none;
    return look();
  }
  if (state_ != State::open) {
    rollback();
    return ended();
  }
  last.push_back({kCommit});
  auto answers = link_.run(last, patience::kWriteMs, false);
  if (answers && answers->back().command() == "COMMIT") {
    state_ = State::none;
    return {};
  }
  rollback();
  return answers ? ended() : answers.error();
}

void Session::rollback() {
  const bool was_sent = state_ == State::open || state_ == State::failed;
  state_ = State::none;
  if (!was_sent || !link_.is_up()) return;  // what is cut off is rolled back by the server
  if (auto done = link_.run({{kRollback}}, patience::kReopenMs, false); !done) link_.drop();
}

}  // namespace tandem::store::postgres
