#include "worker/dispatcher_link.h"

#include <utility>

namespace tandem::worker {
namespace {

queue::UpdateKind kind_of(ReportKind kind) {
  switch (kind) {
    case ReportKind::progress: return queue::UpdateKind::progress;
    case ReportKind::waiting_for_input: return queue::UpdateKind::waiting_for_input;
    case ReportKind::completed: return queue::UpdateKind::completed;
    case ReportKind::failed: return queue::UpdateKind::failed;
    case ReportKind::cancelled: return queue::UpdateKind::cancelled;
    case ReportKind::released: return queue::UpdateKind::released;
  }
  return queue::UpdateKind::failed;
}

// Tasks of the worker inside have no lease at first (0004).
Order order_of(const queue::AssignOrder& order) {
  return AssignOrder{.task = order.task, .lease_until = order.lease_until};
}
Order order_of(const queue::CancelOrder& order) {
  return CancelOrder{order.task_id, order.attempt};
}
Order order_of(const store::InputPiece& piece) {
  return InputOrder{piece.task_id, piece.attempt, piece.seq, piece.data, piece.eof};
}
Order order_of(const queue::ResizeOrder& order) {
  return ResizeOrder{order.task_id, order.attempt, order.cols, order.rows};
}
Order order_of(const queue::LostOrder& order) { return LostOrder{order.task_id, order.attempt}; }
Order order_of(const queue::LeaseOrder& order) {
  return LeaseOrder{order.task_id, order.attempt, order.until};
}

template <class Given>
void pass(const Given& order, const ServerLink::OnOrder& on_order) {
  on_order(order_of(order));
}
void pass(const queue::DrainOrder&, const ServerLink::OnOrder&) {}  // stop() is what drains it
void pass(const queue::CloseOrder&, const ServerLink::OnOrder&) {}

}  // namespace

DispatcherLink::DispatcherLink(queue::DispatcherThread& dispatcher, Outbox& outbox,
                               WorkerProfile profile)
    : dispatcher_(dispatcher), outbox_(outbox), profile_(std::move(profile)) {}

void DispatcherLink::open(OnOrder on_order) {
  on_order_ = std::make_shared<OnOrder>(std::move(on_order));
  open_channel([] {});
}

// Opening anew takes back the credits that were given; orders and tasks stay.
void DispatcherLink::withdraw(std::function<void()> done) { open_channel(std::move(done)); }

void DispatcherLink::open_channel(std::function<void()> opened) {
  queue::OpenWorker command;
  command.profile = profile_;
  command.order = [weak = std::weak_ptr(on_order_)](const queue::WorkerOrder& order) {
    const auto on_order = weak.lock();
    if (on_order) std::visit([&](const auto& what) { pass(what, *on_order); }, order);
  };
  // An error is the turn's, not the channel's: it is open all the same.
  command.done = [weak = std::weak_ptr(on_order_),
                  opened = std::move(opened)](const Result<std::monostate>&) {
    if (!weak.expired()) opened();
  };
  commands_.push_back({&outbox_, std::move(command)});
}

void DispatcherLink::ready(int slots) {
  queue::Ready command;
  command.worker_id = profile_.worker_id;
  command.slots = slots;
  commands_.push_back({&outbox_, command});
}

void DispatcherLink::report(Report report, OnAnswer answer) {
  queue::Update command;
  command.worker_id = profile_.worker_id;
  command.task_id = report.task_id;
  command.attempt = report.attempt;
  command.kind = kind_of(report.kind);
  command.progress = std::move(report.progress);
  command.input_request = std::move(report.input_request);
  command.result = std::move(report.result);
  command.error = std::move(report.error);
  command.exit_code = report.exit_code;
  command.signal = report.signal;
  if (is_final(report.kind)) command.outputs = std::move(report.outputs);
  command.log = report.log;
  command.done = [answer = std::move(answer)](const Result<queue::UpdateAnswer>& told) {
    if (told)
      answer(ReportAnswer{.cancel_requested = told->cancel_requested});
    else
      answer(told.error());
  };
  commands_.push_back({&outbox_, std::move(command)});
}

void DispatcherLink::flush() {
  if (!commands_.empty()) dispatcher_.post(std::exchange(commands_, {}));
}

void DispatcherLink::close() {
  queue::CloseWorker command;
  command.worker_id = profile_.worker_id;
  commands_.push_back({&outbox_, command});
  flush();
  on_order_.reset();
}

}  // namespace tandem::worker
