#include "store/postgres/side_rows.h"

#include <map>
#include <set>
#include <unordered_map>

#include "postgres_queries.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

// One statement may write a row once: of several for one key, the last one counts.
void add_callbacks(const std::vector<Callback>& callbacks, const Uuid& server,
                   std::vector<Statement>& out) {
  if (callbacks.empty()) return;
  std::unordered_map<TaskId, const Callback*> last;
  for (const Callback& callback : callbacks) last[callback.task_id] = &callback;
  Column id{Type::uuid}, ended_at{Type::bigint}, url{Type::text}, tries{Type::integer},
      due_at{Type::bigint}, owner{Type::uuid};
  for (const auto& [task_id, callback] : last) {
    id.id(task_id);
    ended_at.time(callback->ended_at);
    url.bytes(callback->url);
    tries.number(callback->tries);
    due_at.time(callback->due_at);
    owner.id_or_null(callback->by_any ? Uuid() : server);
  }
  Statement put{sql::put_callbacks};
  put.params.column(id).column(ended_at).column(url).column(tries).column(due_at);
  put.params.column(owner);
  out.push_back(std::move(put));
}

void add_tries(const std::vector<CallbackTry>& tries, std::vector<Statement>& out) {
  Column late_id{Type::uuid}, late_end{Type::bigint}, due_at{Type::bigint}, id{Type::uuid},
      ended_at{Type::bigint};
  bool any_late = false, any_settled = false;
  for (const CallbackTry& made : tries) {
    (made.next_at ? late_id : id).id(made.task_id);
    (made.next_at ? late_end : ended_at).time(made.ended_at);
    if (made.next_at) due_at.time(made.next_at);
    (made.next_at ? any_late : any_settled) = true;
  }
  if (any_late) {
    Statement put_off{sql::put_off_callbacks};
    put_off.params.column(late_id).column(late_end).column(due_at);
    out.push_back(std::move(put_off));
  }
  if (any_settled) {
    Statement settle{sql::settle_callbacks};
    settle.params.column(id).column(ended_at);
    out.push_back(std::move(settle));
  }
}

void add_idempotency(const std::vector<IdempotencyRow>& rows, std::vector<Statement>& out) {
  if (rows.empty()) return;
  std::map<std::pair<ClientId, std::string>, const IdempotencyRow*> last;
  for (const IdempotencyRow& row : rows) last[{row.client_id, row.key}] = &row;
  Column client{Type::uuid}, key{Type::text}, digest{Type::text}, tasks{Type::bytea},
      created_at{Type::bigint};
  for (const auto& [place, row] : last) {
    client.id(row->client_id);
    key.bytes(row->key);
    digest.bytes(row->body_sha256);
    std::string ids;
    for (const TaskId& id : row->tasks)
      ids.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
    tasks.bytes(ids);
    created_at.time(row->created_at);
  }
  Statement put{sql::put_idempotency};
  put.params.column(client).column(key).column(digest).column(tasks).column(created_at);
  out.push_back(std::move(put));
}

void add_inputs(const std::vector<InputPiece>& pieces, std::vector<Statement>& out) {
  if (pieces.empty()) return;
  Column id{Type::uuid}, attempt{Type::integer}, seq{Type::bigint}, eof{Type::boolean},
      data{Type::bytea};
  for (const InputPiece& piece : pieces) {
    id.id(piece.task_id);
    attempt.number(piece.attempt);
    seq.number(static_cast<std::int64_t>(piece.seq));
    eof.number(piece.eof ? 1 : 0);
    data.bytes(piece.data);
  }
  Statement insert{sql::insert_inputs};
  insert.params.column(id).column(attempt).column(seq).column(eof).column(data);
  out.push_back(std::move(insert));
}

void add_letters(const std::vector<Letter>& letters, const Uuid& server,
                 std::vector<Statement>& out) {
  if (letters.empty()) return;
  Column to{Type::uuid}, text{Type::text}, bells{Type::uuid};
  std::set<ServerId> receivers;
  for (const Letter& letter : letters) {
    to.id(letter.to);
    text.bytes(letter.text);
    if (receivers.insert(letter.to).second) bells.id(letter.to);
  }
  Statement send{sql::send_letters}, ring{sql::ring_bells};
  send.params.column(to).column(text).id(server);
  ring.params.column(bells);
  out.push_back(std::move(send));
  out.push_back(std::move(ring));
}

}  // namespace

std::vector<Statement> callback_statements(const TaskBatch& batch, const Uuid& server) {
  std::vector<Statement> statements;
  add_callbacks(batch.callbacks, server, statements);
  add_tries(batch.callback_tries, statements);
  return statements;
}

std::vector<Statement> request_statements(const TaskBatch& batch) {
  std::vector<Statement> statements;
  add_idempotency(batch.idempotency, statements);
  add_inputs(batch.inputs, statements);
  return statements;
}

std::vector<Statement> letter_statements(const TaskBatch& batch, const Uuid& server) {
  std::vector<Statement> statements;
  if (!batch.letters_read.empty()) {
    Column numbers{Type::bigint};
    for (const std::int64_t number : batch.letters_read) numbers.number(number);
    Statement drop{sql::drop_letters};
    drop.params.column(numbers).id(server);
    statements.push_back(std::move(drop));
  }
  add_letters(batch.letters, server, statements);
  return statements;
}

}  // namespace tandem::store::postgres
