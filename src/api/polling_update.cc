#include <memory>

#include "api/answers.h"
#include "api/attempt_updates.h"
#include "api/resources.h"
#include "io/ask.h"

namespace tandem::api {
namespace {

using Answers = std::vector<wire::UpdateAnswer>;

// All of them, in the order of the updates. Errors: shutting_down.
io::Awaitable<Result<Answers>> ask_all(Call& call, std::vector<wire::Update> updates) {
  struct Gathered {
    Answers answers;
    std::size_t missing = 0;
    std::function<void(Result<Answers>)> done;
  };
  auto send = [&call, &updates](Outbox& outbox, std::function<void(Result<Answers>)> done) {
    auto gathered = std::make_shared<Gathered>();
    gathered->answers.resize(updates.size());
    gathered->missing = updates.size();
    gathered->done = std::move(done);
    send_updates(call.services(), outbox, call.caller.worker->worker_id, std::move(updates),
                 [gathered](std::size_t place, wire::UpdateAnswer answer) {
                   gathered->answers[place] = std::move(answer);
                   if (--gathered->missing == 0) gathered->done(std::move(gathered->answers));
                 });
  };
  co_return co_await io::ask<Result<Answers>>(call.outbox, send);
}

}  // namespace

Answer update_attempts(Call& call) {
  auto asked = wire::decode_updates(call.request.body);
  if (!asked) co_return refuse(call, asked.error());
  const auto answers = co_await ask_all(call, std::move(asked->updates));
  if (!answers) co_return refuse(call, answers.error());
  if (asked->is_batch) co_return private_json(wire::encode_update_answers(*answers));
  const wire::UpdateAnswer& only = answers->front();
  if (only.error) co_return refuse(call, *only.error);
  std::string body;
  wire::encode_update_answer(only, body);
  co_return private_json(std::move(body));
}

}  // namespace tandem::api
