#pragma once

#include "store/postgres/link.h"

namespace tandem::store::postgres {

// The advisory lock that a server's transactions take.
std::int64_t lock_key_of(const Uuid& server);

// The writer's transactions. Only one of them of a server is ever under way: each waits for the end
// of an older one whose connection was lost, and which might still commit.
class Session final : public Runner {
 public:
  // Fresh connections are settled for `server`.
  Session(const Address& address, const Uuid& server);

  Result<Connection*> open() { return link_.open(); }
  // Sends nothing: `begin` goes out with the first statement.
  Result<void> begin();
  // Within the transaction where there is one, else each call is a transaction of its own.
  Result<std::vector<Rows>> run(const std::vector<Statement>& statements) override;
  using Runner::run;
  Result<Rows> write(Statement statement);  // within a transaction only
  Result<void> commit(std::vector<Statement> last);
  void rollback();
  bool in_transaction() const { return state_ != State::none; }

 private:
  enum class State : std::uint8_t { none, unsent, open, failed };
  Result<void> look();
  Statement lock() const;

  const std::int64_t lock_key_;
  Link link_;
  State state_ = State::none;
};

}  // namespace tandem::store::postgres
