#include "api/attempt_updates.h"

#include <memory>
#include <utility>

#include "queue/dispatcher_thread.h"

namespace tandem::api {
namespace {

queue::UpdateKind kind_of(wire::UpdateStatus status) {
  switch (status) {
    case wire::UpdateStatus::running: return queue::UpdateKind::running;
    case wire::UpdateStatus::waiting_for_input: return queue::UpdateKind::waiting_for_input;
    case wire::UpdateStatus::completed: return queue::UpdateKind::completed;
    case wire::UpdateStatus::failed: return queue::UpdateKind::failed;
    case wire::UpdateStatus::cancelled: return queue::UpdateKind::cancelled;
    case wire::UpdateStatus::released: return queue::UpdateKind::released;
  }
  return queue::UpdateKind::running;
}

bool is_end(queue::UpdateKind kind) {
  return kind == queue::UpdateKind::completed || kind == queue::UpdateKind::failed ||
         kind == queue::UpdateKind::cancelled;
}

queue::Update command_of(const Services& services, WorkerId worker, wire::Update update) {
  queue::Update command;
  command.worker_id = worker;
  command.task_id = TaskId::parse(update.task_id).value_or(TaskId());
  command.attempt = update.attempt;
  command.kind = kind_of(update.status);
  command.progress = std::move(update.progress);
  command.result = std::move(update.result);
  command.error = std::move(update.error);
  command.exit_code = update.exit_code;
  command.signal = update.signal;
  if (!is_end(command.kind)) command.input_seq = update.input_seq.value_or(0);
  if (command.kind == queue::UpdateKind::waiting_for_input) {
    command.asked_behind = update.input_seq;
    command.input_request = std::move(update.input_request).value_or(InputRequest{});
    command.input_request->asked_at = services.clock.wall();
    if (command.input_request->request_id.empty())
      command.input_request->request_id = to_string(services.ids.make<TaskId>());
  }
  return command;
}

// An append of nothing is answered with the log's length.
void post_behind_log(const Services& services, Outbox& outbox, queue::Update command) {
  logs::LogAppend nothing{.task_id = command.task_id, .attempt = command.attempt, .records = {}};
  auto ended = std::make_shared<queue::Update>(std::move(command));
  services.logs.append(std::move(nothing), outbox,
                       [&services, &outbox, ended](const Result<logs::LogTail>& tail) {
                         if (!tail && tail.error().code != Errc::stale_attempt)
                           return ended->done(tail.error());
                         if (tail) ended->log = LogTotals{tail->records, tail->bytes};
                         services.post({&outbox, std::move(*ended)});
                       });
}

}  // namespace

void send_updates(const Services& services, Outbox& outbox, WorkerId worker,
                  std::vector<wire::Update> updates, UpdateAnswered answered) {
  const auto shared = std::make_shared<const UpdateAnswered>(std::move(answered));
  std::vector<queue::Command> commands;
  for (std::size_t place = 0; place < updates.size(); ++place) {
    const bool has_log = updates[place].log_records.value_or(1) > 0;
    queue::Update command = command_of(services, worker, std::move(updates[place]));
    command.done = [shared, place, task = command.task_id,
                    attempt = command.attempt](const Result<queue::UpdateAnswer>& answer) {
      (*shared)(place, wire_answer(task, attempt, answer));
    };
    if (is_end(command.kind) && has_log)
      post_behind_log(services, outbox, std::move(command));
    else
      commands.push_back({&outbox, std::move(command)});
  }
  if (!commands.empty()) services.dispatcher.post(std::move(commands));
}

wire::UpdateAnswer wire_answer(TaskId task, std::uint32_t attempt,
                               const Result<queue::UpdateAnswer>& answer) {
  wire::UpdateAnswer value;
  value.task_id = to_string(task);
  value.attempt = attempt;
  if (!answer) {
    value.error = answer.error();
    return value;
  }
  value.status = to_string(answer->status);
  value.cancel_requested = answer->cancel_requested;
  if (is_leased(answer->status)) value.lease_expires_at = answer->lease_expires_at;
  for (const store::InputPiece& piece : answer->input)
    value.input.push_back({piece.seq, piece.data, piece.eof});
  return value;
}

}  // namespace tandem::api
