#include "reference/bare_postgres.h"

#include <libpq-fe.h>

#include <stdexcept>

#include "usage.h"

namespace tandem::bench {
namespace {

constexpr char kInsert[] =
    "insert into bare_tasks (status, payload) select 'pending', p from unnest($1::text[]) p";
constexpr char kClaim[] =
    "with done as (update bare_tasks set status = 'completed' where id = any ($1::bigint[])),"
    " next as (select id from bare_tasks where status = 'pending' order by id limit $2::integer"
    " for update skip locked)"
    " update bare_tasks t set status = 'running' from next where t.id = next.id returning t.id";

}  // namespace

BarePostgres::BarePostgres(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
  if (PQstatus(connection_) != CONNECTION_OK) throw std::runtime_error("PostgreSQL is away");
}

BarePostgres::~BarePostgres() { PQfinish(connection_); }

pg_result* BarePostgres::execute(const char* sql, const std::vector<std::string>& values) {
  std::vector<const char*> texts;
  for (const std::string& one : values) texts.push_back(one.c_str());
  PGresult* result = PQexecParams(connection_, sql, static_cast<int>(values.size()), nullptr,
                                  texts.data(), nullptr, nullptr, 0);
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
  PQclear(result);
  throw std::runtime_error(PQerrorMessage(connection_));
}

void BarePostgres::run(const std::string& sql) { PQclear(execute(sql.c_str(), {})); }

std::string BarePostgres::value(const std::string& sql) {
  PGresult* result = execute(sql.c_str(), {});
  std::string text = PQgetvalue(result, 0, 0);
  PQclear(result);
  return text;
}

void BarePostgres::make_table() {
  run("create table bare_tasks (id bigint generated always as identity primary key,"
      " status text not null, payload text not null) with (fillfactor = 70)");
  run("create index bare_pending on bare_tasks (id) where status = 'pending'");
  run("set enable_seqscan = off");
}

void BarePostgres::insert(int batch) {
  static const std::string payload =
      R"("{\"job_type\":\"parked\",\"input_url\":\"https://example.com/image.jpg\"}")";
  std::string payloads = "{" + payload;
  for (int i = 1; i < batch; ++i) payloads.append(",").append(payload);
  PQclear(execute(kInsert, {payloads + "}"}));
}

std::string BarePostgres::claim(const std::string& done, int batch) {
  PGresult* claimed = execute(kClaim, {done, std::to_string(batch)});
  std::string ids = "{";
  for (int i = 0; i < PQntuples(claimed); ++i) {
    if (i > 0) ids.push_back(',');
    ids.append(PQgetvalue(claimed, i, 0));
  }
  PQclear(claimed);
  return ids + "}";
}

double BarePostgres::inserts_per_second(int tasks, int batch) {
  const std::int64_t began = now_us();
  for (int made = 0; made < tasks; made += batch) insert(batch);
  return tasks / seconds_since(began);
}

double BarePostgres::cycles_per_second(int tasks, int batch) {
  const std::int64_t began = now_us();
  std::string running = "{}";
  for (int made = 0; made < tasks; made += batch) {
    insert(batch);
    running = claim(running, batch);
  }
  claim(running, batch);
  return tasks / seconds_since(began);
}

}  // namespace tandem::bench
