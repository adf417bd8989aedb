#pragma once

#include <memory>
#include <vector>

#include "queue/dispatcher_thread.h"
#include "worker/server_link.h"

namespace tandem::worker {

// The way of the worker inside the server: commands to the dispatcher of the same process.
class DispatcherLink final : public ServerLink {
 public:
  // `outbox`: of the worker's loop. Both outlive the link.
  DispatcherLink(queue::DispatcherThread& dispatcher, Outbox& outbox, WorkerProfile profile);

  void open(OnOrder on_order) override;
  void ready(int slots) override;
  void withdraw(std::function<void()> done) override;
  void report(Report report, OnAnswer answer) override;
  void flush() override;
  void close() override;
  bool sees_leases_end() const override { return false; }

 private:
  void open_channel(std::function<void()> opened);

  queue::DispatcherThread& dispatcher_;
  Outbox& outbox_;
  WorkerProfile profile_;
  std::shared_ptr<OnOrder> on_order_;     // gone after close(); orders may come later
  std::vector<queue::Command> commands_;  // go out with the next flush
};

}  // namespace tandem::worker
