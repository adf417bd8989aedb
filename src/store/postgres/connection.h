#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "store/postgres/address.h"
#include "store/postgres/params.h"
#include "store/postgres/rows.h"

struct pg_conn;

namespace tandem::store::postgres {

// A statement to be sent: a constant of the embedded SQL, and its parameters.
struct Statement {
  std::string_view sql;
  Params params = {};
};

// A connection to a server. Every call ends when nothing has come or gone for its limit, in
// milliseconds, whatever the network does; after one that ended so, or was cut off, the connection
// is broken for good. Statements are
// prepared once where nobody stands between; behind a pooler each is sent whole, and nothing is
// left behind in a session. One thread at a time.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const Address& address, int limit_ms);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // All at once, in one round trip; the answers in their order. The first error ends it: what comes
  // behind is not done. Without a `begin` among them they are one transaction.
  Result<std::vector<Rows>> run(const std::vector<Statement>& statements, int limit_ms);
  // SQL without parameters or rows, several statements too.
  Result<void> run_script(const std::string& sql, int limit_ms);
  bool is_broken() const { return broken_; }
  // It broke as the server was gone, not as it was slow: what was asked can be asked another one.
  bool was_cut() const { return broken_ && !slow_; }
  // There is no pooler between: the session is ours alone. From then on statements are prepared.
  void set_direct() { direct_ = true; }
  bool is_direct() const { return direct_; }
  // Between two runs: waits until a notification comes; false: none did.
  Result<bool> await_notice(int limit_ms);
  int backend_pid() const;

 private:
  struct Sent;
  struct Deadline;

  explicit Connection(pg_conn* connection) : connection_(connection) {}
  Result<void> connect(Deadline& until);
  Result<void> enter_pipeline();
  bool send(const Statement& statement, std::vector<Sent>& sent);
  Result<void> flush(Deadline& until);
  Result<pg_result*> next_result(Deadline& until);
  Result<std::vector<Rows>> receive(const std::vector<Sent>& sent, Deadline& until);
  Result<void> wait(bool for_writing, Deadline& until);
  Error lost();

  pg_conn* connection_;
  bool broken_ = false, slow_ = false, direct_ = false, pipelined_ = false;
  std::unordered_set<const char*> prepared_;  // by the address of the SQL, which is embedded
};

}  // namespace tandem::store::postgres
