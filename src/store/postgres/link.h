#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "store/postgres/connection.h"

namespace tandem::store::postgres {

// Who can run statements: the writer's session, or a reader's connection.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual Result<std::vector<Rows>> run(const std::vector<Statement>& statements) = 0;
  Result<Rows> run(Statement statement);
};

// A connection that is made again when it was lost: at once, then after pauses that grow to a
// second; after a pause also where the server was too slow. In a pause every call fails at once, so
// that those who wait for their turn are told as fast. One thread at a time.
class Link {
 public:
  using Settle = std::function<Result<void>(Connection&)>;  // of each fresh connection
  Link(Address address, Settle settle) : address_(std::move(address)), settle_(std::move(settle)) {}

  // For the operator's first look: tries now and takes its time.
  Result<Connection*> open();
  Result<Connection*> get();

  // `repeatable`: where the connection turns out to be cut, the statements may run on a new one.
  Result<std::vector<Rows>> run(const std::vector<Statement>& statements, int limit_ms,
                                bool repeatable);
  bool is_up() const;
  void drop() { connection_.reset(); }

 private:
  Result<void> connect(int limit_ms);
  void pause();
  const Address address_;
  const Settle settle_;
  std::unique_ptr<Connection> connection_;
  int failures_ = 0;
  std::chrono::steady_clock::time_point next_try_;
};

}  // namespace tandem::store::postgres
