#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/unique_fd.h"
#include "exec/packet.h"
#include "exec/process.h"
#include "io/asio.h"

namespace tandem::exec {

class ShepherdClient;

// One launched job as the server sees it; shared by its Process and its shepherd.
struct Job {
  Job(io::Executor executor, std::shared_ptr<ShepherdClient> owner)
      : changed(executor, io::Timer::time_point::max()),
        overdue(executor),
        shepherd(std::move(owner)) {}

  std::optional<PacketHead> launched;
  std::optional<ExitTruth> truth;
  pid_t pid = 0;
  io::Timer changed;  // never expires; cancelled when one of the above is set
  io::Timer overdue;  // then a shepherd that did not kill in time is killed
  std::shared_ptr<ShepherdClient> shepherd;  // until the job has ended

  io::Awaitable<void> wait_for_change();
  void set_truth(const ExitTruth& value);
};

// The server's end of one shepherd. All on the launcher's loop.
class ShepherdClient : public std::enable_shared_from_this<ShepherdClient> {
 public:
  using Stream = io::asio::posix::basic_stream_descriptor<io::Executor>;
  using OnChange = std::function<void(std::shared_ptr<ShepherdClient>)>;

  // `on_change`: it is idle, or (not usable) it died and the guard will say when its job is dead.
  ShepherdClient(io::Executor executor, Packet& born, OnChange on_change);

  void start();  // begins to listen
  std::int64_t number() const { return number_; }
  bool is_usable() const { return usable_; }

  // False where it cannot be sent; the shepherd is of no use any more.
  bool launch(std::shared_ptr<Job> job, const PacketHead& head, std::string_view text,
              std::span<const int> fds);
  void terminate(std::int64_t grace_ms);
  void kill_after(std::int64_t delay_ms);
  // It is dead and so is its job: the job is told so.
  void confirm_gone();
  // Its job is killed, whatever runs; it ends by itself.
  void close();

 private:
  void listen();
  void on_readable();
  void on_packet(const PacketHead& head);
  void watch_over_kill(std::int64_t delay_ms);

  Stream socket_;
  UniqueFd pidfd_;
  std::int64_t number_;
  OnChange on_change_;
  std::shared_ptr<Job> job_;
  bool usable_ = true;
};

}  // namespace tandem::exec
