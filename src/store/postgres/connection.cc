#include "store/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "store/postgres/failure.h"

namespace tandem::store::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// However much there is to send and to read.
constexpr int kLongestMs = 20'000;

void drop_notice(void*, const PGresult*) {}

Error slow() { return fail(Errc::store_unavailable, "The database does not answer"); }

Error error_in(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return error_of(state == nullptr ? "" : state);
}

std::string name_of(const char* sql) {
  return "t" + std::to_string(reinterpret_cast<std::uintptr_t>(sql));
}

// Borrowed from Params, as libpq wants them.
struct Raw {
  explicit Raw(const Params& params) {
    for (const auto& value : params.values()) {
      values.push_back(value ? value->data() : nullptr);
      lengths.push_back(value ? static_cast<int>(value->size()) : 0);
      formats.push_back(1);
    }
  }
  int count() const { return static_cast<int>(values.size()); }
  std::vector<const char*> values;
  std::vector<int> lengths, formats;
};

}  // namespace

// Moves on with everything that comes and goes, so that much is not taken for slow.
struct Connection::Deadline {
  explicit Deadline(int limit_ms) : limit(limit_ms) {}
  void progress() { at = std::min(steady_clock::now() + limit, last); }
  const milliseconds limit;
  steady_clock::time_point at = steady_clock::now() + limit;
  const steady_clock::time_point last =
      steady_clock::now() + std::max(limit, milliseconds(kLongestMs));
};

// One command of a pipeline, in the order of their answers.
struct Connection::Sent {
  const char* sql;
  bool is_preparation;
};

Result<std::unique_ptr<Connection>> Connection::open(const Address& address, int limit_ms) {
  const char* const keywords[] = {"dbname", "fallback_application_name", "client_encoding",
                                  nullptr};
  const char* const values[] = {address.url().c_str(), "tandem", "UTF8", nullptr};
  std::unique_ptr<Connection> connection(new Connection(PQconnectStartParams(keywords, values, 1)));
  if (connection->connection_ == nullptr)
    return fail(Errc::store_unavailable, "There is no memory for a connection");
  Deadline until(limit_ms);
  if (auto connected = connection->connect(until); !connected) return connected.error();
  return connection;
}

Connection::~Connection() { PQfinish(connection_); }

Result<void> Connection::connect(Deadline& until) {
  PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(connection_, drop_notice, nullptr);
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  while (wanted == PGRES_POLLING_WRITING || wanted == PGRES_POLLING_READING) {
    if (PQstatus(connection_) == CONNECTION_BAD) break;
    if (auto ready = wait(wanted == PGRES_POLLING_WRITING, until); !ready) return ready;
    wanted = PQconnectPoll(connection_);
  }
  if (PQstatus(connection_) != CONNECTION_OK)
    return error_of_connection(PQerrorMessage(connection_));
  PQsetnonblocking(connection_, 1);
  return {};
}

int Connection::backend_pid() const { return PQbackendPID(connection_); }

Error Connection::lost() {
  broken_ = true;
  return fail(Errc::store_unavailable, "The connection to the database was lost");
}

Result<void> Connection::wait(bool for_writing, Deadline& until) {
  pollfd watched{.fd = PQsocket(connection_),
                 .events = static_cast<short>(for_writing ? POLLIN | POLLOUT : POLLIN),
                 .revents = 0};
  if (PQstatus(connection_) != CONNECTION_OK)  // the steps of connecting wait for one thing each
    watched.events = for_writing ? POLLOUT : POLLIN;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until.at - steady_clock::now()).count();
    if (left <= 0) {
      broken_ = slow_ = true;
      return slow();
    }
    const int ready = ::poll(&watched, 1, static_cast<int>(left));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return lost();
  }
}

Result<void> Connection::enter_pipeline() {
  if (!pipelined_ && PQenterPipelineMode(connection_) != 1) return lost();
  pipelined_ = true;
  return {};
}

bool Connection::send(const Statement& statement, std::vector<Sent>& sent) {
  const char* sql = statement.sql.data();
  const Raw raw(statement.params);
  if (!direct_) {
    sent.push_back({sql, false});
    return PQsendQueryParams(connection_, sql, raw.count(), nullptr, raw.values.data(),
                             raw.lengths.data(), raw.formats.data(), 1) == 1;
  }
  const bool is_new =
      !prepared_.contains(sql) && std::none_of(sent.begin(), sent.end(), [&](const Sent& one) {
        return one.is_preparation && one.sql == sql;
      });
  const std::string name = name_of(sql);
  if (is_new) {
    sent.push_back({sql, true});
    if (PQsendPrepare(connection_, name.c_str(), sql, 0, nullptr) != 1) return false;
  }
  sent.push_back({sql, false});
  return PQsendQueryPrepared(connection_, name.c_str(), raw.count(), raw.values.data(),
                             raw.lengths.data(), raw.formats.data(), 1) == 1;
}

Result<std::vector<Rows>> Connection::run(const std::vector<Statement>& statements, int limit_ms) {
  if (broken_) return lost();
  if (auto entered = enter_pipeline(); !entered) return entered.error();
  std::vector<Sent> sent;
  for (const Statement& statement : statements)
    if (!send(statement, sent)) return lost();
  if (PQpipelineSync(connection_) != 1) return lost();
  Deadline until(limit_ms);
  if (auto flushed = flush(until); !flushed) return flushed.error();
  return receive(sent, until);
}

Result<void> Connection::flush(Deadline& until) {
  for (;;) {
    const int left = PQflush(connection_);
    if (left == 0) return {};
    if (left < 0) return lost();
    if (auto ready = wait(true, until); !ready) return ready;
    until.progress();
    if (PQconsumeInput(connection_) != 1) return lost();
  }
}

// Null: a command has told all.
Result<pg_result*> Connection::next_result(Deadline& until) {
  while (PQisBusy(connection_) == 1) {
    if (auto ready = wait(false, until); !ready) return ready.error();
    until.progress();
    if (PQconsumeInput(connection_) != 1) return lost();
  }
  return PQgetResult(connection_);
}

Result<std::vector<Rows>> Connection::receive(const std::vector<Sent>& sent, Deadline& until) {
  std::vector<Rows> answers;
  std::optional<Error> error;
  for (const Sent& command : sent) {
    auto result = next_result(until);
    if (!result) return result.error();
    if (*result == nullptr) return lost();
    Rows rows(*result);
    const ExecStatusType status = PQresultStatus(*result);
    const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!good && !error) error = error_in(*result);
    if (PQstatus(connection_) == CONNECTION_BAD) broken_ = true;
    if (broken_) return *error;
    if (good && command.is_preparation) prepared_.insert(command.sql);
    if (good && !command.is_preparation) answers.push_back(std::move(rows));
    if (auto end = next_result(until); !end || *end != nullptr) return end ? lost() : end.error();
  }
  auto synced = next_result(until);
  if (!synced) return synced.error();
  const Rows sync(*synced);
  if (*synced == nullptr || PQresultStatus(*synced) != PGRES_PIPELINE_SYNC) return lost();
  if (error) return *error;
  return answers;
}

Result<void> Connection::run_script(const std::string& sql, int limit_ms) {
  if (broken_) return lost();
  if (pipelined_ && PQexitPipelineMode(connection_) != 1) return lost();
  pipelined_ = false;
  Deadline until(limit_ms);
  if (PQsendQuery(connection_, sql.c_str()) != 1) return lost();
  if (auto flushed = flush(until); !flushed) return flushed;
  std::optional<Error> error;
  for (;;) {
    auto result = next_result(until);
    if (!result) return result.error();
    if (*result == nullptr) break;
    const Rows rows(*result);
    if (PQresultStatus(*result) == PGRES_FATAL_ERROR && !error) error = error_in(*result);
  }
  if (PQstatus(connection_) == CONNECTION_BAD) broken_ = true;
  if (error) return *error;
  return {};
}

Result<bool> Connection::await_notice(int limit_ms) {
  if (broken_) return lost();
  pollfd watched{.fd = PQsocket(connection_), .events = POLLIN, .revents = 0};
  const int ready = ::poll(&watched, 1, limit_ms);
  if (ready < 0 && errno != EINTR) return lost();
  if (ready <= 0) return false;
  if (PQconsumeInput(connection_) != 1) return lost();
  bool any = false;
  while (PGnotify* notice = PQnotifies(connection_)) {
    any = true;
    PQfreemem(notice);
  }
  return any;
}

}  // namespace tandem::store::postgres
