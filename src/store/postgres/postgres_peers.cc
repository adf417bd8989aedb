#include "store/postgres/postgres_peers.h"

#include "base/assert.h"
#include "postgres_queries.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

}  // namespace

Result<RollCall> PostgresPeers::beat() {
  Statement beat{sql::beat}, list{sql::list_peers};
  beat.params.id(server_).time(started_at_);
  list.params.id(server_);
  auto answers = session_.run({std::move(beat), std::move(list)});
  if (!answers) return answers.error();
  const Rows& own = answers->front();
  if (own.size() == 0)
    return fail(Errc::internal,
                "Another process runs with this server's id: a data directory, "
                "with its file server-id, is one server's alone");
  RollCall roll{.was_silent_ms = own.number(0, 0), .peers = {}};
  const Rows& others = answers->back();
  for (int i = 0; i < others.size(); ++i)
    roll.peers.push_back({.server_id = ServerId(others.id(i, 0)),
                          .name = std::string(others.bytes(i, 1)),
                          .silent_ms = others.number(i, 2)});
  return roll;
}

Result<std::vector<ReceivedLetter>> PostgresPeers::letters(int limit) {
  Statement read{sql::read_letters};
  read.params.id(server_).bigint(limit);
  auto rows = session_.run(std::move(read));
  if (!rows) return rows.error();
  std::vector<ReceivedLetter> letters;
  for (int i = 0; i < rows->size(); ++i)
    letters.push_back({.number = rows->number(i, 0),
                       .from = ServerId(rows->id(i, 1)),
                       .text = std::string(rows->bytes(i, 2))});
  return letters;
}

Result<std::int64_t> PostgresPeers::take_all(ServerId from, int limit) {
  std::vector<Statement> statements;
  for (const std::string_view kind :
       {sql::adopt_pending, sql::adopt_scheduled, sql::adopt_leased}) {
    Statement& adopt = statements.emplace_back(Statement{kind});
    adopt.params.id(from).id(server_).bigint(limit);
  }
  Statement callbacks{sql::adopt_callbacks}, letters{sql::drop_letters_to};
  callbacks.params.id(from).id(server_);
  letters.params.id(from);
  statements.push_back(std::move(callbacks));
  statements.push_back(std::move(letters));
  auto answers = session_.run(statements);
  if (!answers) return answers.error();
  std::int64_t taken = 0;
  for (std::size_t i = 0; i < 3; ++i) taken += (*answers)[i].size();
  return taken;
}

Result<std::int64_t> PostgresPeers::adopt(ServerId from, std::int64_t silent_ms, int limit) {
  TANDEM_ASSERT(!session_.in_transaction());
  if (auto begun = session_.begin(); !begun) return begun.error();
  const auto taken = [&]() -> Result<std::int64_t> {
    Statement lock{sql::lock_silent_server}, wait{sql::lock_server};
    lock.params.id(from).bigint(silent_ms);
    auto locked = session_.run(std::move(lock));
    if (!locked) return locked.error();
    if (locked->size() == 0) return 0;
    wait.params.bigint(lock_key_of(from));
    if (auto waited = session_.run(std::move(wait)); !waited) return waited.error();
    auto all = take_all(from, limit);
    if (!all) return all.error();
    if (auto done = session_.commit({}); !done) return done.error();
    return all;
  }();
  session_.rollback();
  return taken;
}

Result<void> PostgresPeers::lock_key(ClientId client, const std::string& key) {
  Statement lock{sql::lock_key};
  lock.params.id(client).text(key);
  auto locked = session_.write(std::move(lock));
  return locked ? Result<void>() : locked.error();
}

}  // namespace tandem::store::postgres
