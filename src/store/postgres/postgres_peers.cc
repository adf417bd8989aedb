#include "store/postgres/postgres_peers.h"

#include <algorithm>

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
  RollCall roll{.was_silent_ms = own.number(0, 0), .draws = own.number(0, 1), .peers = {}};
  const Rows& others = answers->back();
  for (int i = 0; i < others.size(); ++i)
    roll.peers.push_back({.server_id = ServerId(others.id(i, 0)),
                          .name = std::string(others.bytes(i, 1)),
                          .silent_ms = others.number(i, 2)});
  return roll;
}

Result<Mail> PostgresPeers::mail(int max_letters) {
  Statement read{sql::read_letters}, look{sql::has_submissions};
  read.params.id(server_).bigint(max_letters);
  auto answers = session_.run({std::move(read), std::move(look)});
  if (!answers) return answers.error();
  const Rows& letters = answers->front();
  Mail mail{.letters = {}, .has_submissions = answers->back().number(0, 0) != 0};
  for (int i = 0; i < letters.size(); ++i)
    mail.letters.push_back({.number = letters.number(i, 0),
                            .from = ServerId(letters.id(i, 1)),
                            .text = std::string(letters.bytes(i, 2))});
  return mail;
}

Result<std::vector<Submission>> PostgresPeers::take_submissions(int limit) {
  Statement take{sql::take_submissions};
  take.params.bigint(limit);
  auto rows = session_.write(std::move(take));
  if (!rows) return rows.error();
  std::vector<Submission> submissions;
  for (int i = 0; i < rows->size(); ++i)
    submissions.push_back({.task_id = TaskId(rows->id(i, 0)),
                           .client_id = ClientId(rows->id(i, 1)),
                           .body = std::string(rows->bytes(i, 2)),
                           .submitted_at = rows->time(i, 3),
                           .has_client = rows->number(i, 4) != 0,
                           .is_known = rows->number(i, 5) != 0});
  std::ranges::sort(submissions, {}, &Submission::task_id);
  return submissions;
}

Result<void> PostgresPeers::refuse_submission(const Submission& submission,
                                              const std::string& why) {
  Statement refuse{sql::refuse_submission};
  refuse.params.id(submission.task_id).id(submission.client_id).text(submission.body);
  refuse.params.time(submission.submitted_at).text(why);
  auto written = session_.write(std::move(refuse));
  return written ? Result<void>() : written.error();
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

Result<std::vector<TaskId>> PostgresPeers::draw(ServerId from, std::int64_t silent_ms,
                                                std::span<const WorkerId> workers) {
  TANDEM_ASSERT(!session_.in_transaction());
  Column ids(Type::uuid);
  for (const WorkerId& worker : workers) ids.id(worker);
  Statement draw{sql::draw_leased};
  draw.params.id(from).bigint(silent_ms).id(server_).column(ids);
  auto rows = session_.run(std::move(draw));
  if (!rows) return rows.error();
  std::vector<TaskId> drawn;
  for (int i = 0; i < rows->size(); ++i) drawn.emplace_back(rows->id(i, 0));
  return drawn;
}

Result<void> PostgresPeers::lock_key(ClientId client, const std::string& key) {
  Statement lock{sql::lock_key};
  lock.params.id(client).text(key);
  auto locked = session_.write(std::move(lock));
  return locked ? Result<void>() : locked.error();
}

}  // namespace tandem::store::postgres
