#include "store/postgres/link.h"

#include <algorithm>

#include "store/postgres/failure.h"
#include "store/postgres/handshake.h"

namespace tandem::store::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kFirstPauseMs = 125, kLongestPauseMs = 1000;

}  // namespace

Result<Rows> Runner::run(Statement statement) {
  auto answers = run(std::vector<Statement>{std::move(statement)});
  if (!answers) return answers.error();
  return std::move(answers->back());
}

bool Link::is_up() const { return connection_ && !connection_->is_broken(); }

void Link::pause() {
  const int pause_ms = std::min(kFirstPauseMs << std::min(failures_, 8), kLongestPauseMs);
  ++failures_;
  next_try_ = steady_clock::now() + milliseconds(pause_ms);
}

Result<void> Link::connect(int limit_ms) {
  connection_.reset();
  auto connection = Connection::open(address_, limit_ms);
  Result<void> settled = connection ? settle_(**connection) : connection.error();
  if (!settled) {
    pause();
    return settled;
  }
  connection_ = std::move(*connection);
  failures_ = 0;
  return {};
}

Result<Connection*> Link::open() {
  if (auto connected = connect(patience::kOpenMs); !connected) return connected.error();
  return connection_.get();
}

Result<Connection*> Link::get() {
  if (is_up()) return connection_.get();
  if (failures_ > 0 && steady_clock::now() < next_try_) return error_of("");
  if (auto connected = connect(patience::kReopenMs); !connected) return connected.error();
  return connection_.get();
}

Result<std::vector<Rows>> Link::run(const std::vector<Statement>& statements, int limit_ms,
                                    bool repeatable) {
  auto connection = get();
  if (!connection) return connection.error();
  auto answers = (*connection)->run(statements, limit_ms);
  if (answers || is_up()) return answers;
  if (!(*connection)->was_cut()) pause();
  if (!repeatable || !(*connection)->was_cut()) return answers;
  connection = get();
  if (!connection) return connection.error();
  return (*connection)->run(statements, limit_ms);
}

}  // namespace tandem::store::postgres
