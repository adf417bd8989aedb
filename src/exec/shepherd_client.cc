#include "exec/shepherd_client.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <boost/asio/redirect_error.hpp>

namespace tandem::exec {

namespace {
// A shepherd that is stopped, or gone mad, has this long beyond the time to kill its job itself.
constexpr std::int64_t kOverdueMs = 400;
// A job may stop its shepherd before that has spoken.
constexpr std::int64_t kLaunchTimeoutMs = 5000;

ExitTruth truth_of(const ExitFields& fields) {
  ExitTruth truth;
  if (WIFEXITED(fields.wait_status)) truth.exit_code = WEXITSTATUS(fields.wait_status);
  if (WIFSIGNALED(fields.wait_status)) truth.signal = WTERMSIG(fields.wait_status);
  truth.out_of_memory = fields.out_of_memory;
  truth.leftovers = fields.leftovers;
  truth.user_ms = fields.user_ms;
  truth.system_ms = fields.system_ms;
  truth.max_rss_bytes = fields.max_rss_bytes;
  return truth;
}
}  // namespace

io::Awaitable<void> Job::wait_for_change() {
  boost::system::error_code woken;
  co_await changed.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
}

void Job::set_truth(const ExitTruth& value) {
  truth = value;
  shepherd.reset();
  overdue.cancel();
  changed.cancel();
}

ShepherdClient::ShepherdClient(io::Executor executor, Packet& born, OnChange on_change)
    : socket_(executor, born.fds[0].release()),
      pidfd_(std::move(born.fds[1])),
      number_(born.head.value),
      on_change_(std::move(on_change)) {}

void ShepherdClient::start() { listen(); }

void ShepherdClient::listen() {
  auto on_event = [self = shared_from_this()](boost::system::error_code error) {
    if (error || !self->usable_) return;
    self->on_readable();
    if (self->usable_) self->listen();
  };
  socket_.async_wait(Stream::wait_read, std::move(on_event));
}

void ShepherdClient::on_readable() {
  Packet packet;
  Received received = Received::packet;
  while (usable_ &&
         (received = receive_packet(socket_.native_handle(), packet)) == Received::packet) {
    on_packet(packet.head);
  }
  if (received != Received::closed) return;
  usable_ = false;
  on_change_(shared_from_this());
}

void ShepherdClient::on_packet(const PacketHead& head) {
  if (!job_) return;
  if (head.kind == PacketKind::launched) {
    job_->launched = head;
    job_->overdue.cancel();
    job_->pid = static_cast<pid_t>(head.value);
    const auto job = head.error ? std::move(job_) : job_;
    if (head.error) job->shepherd.reset();
    job->changed.cancel();
  }
  if (head.kind == PacketKind::exited) {
    const auto job = std::move(job_);
    job->set_truth(truth_of(head.exit));
    if (head.exit.retired) usable_ = false;
  }
  if (!job_ && usable_) on_change_(shared_from_this());
}

bool ShepherdClient::launch(std::shared_ptr<Job> job, const PacketHead& head, std::string_view text,
                            std::span<const int> fds) {
  if (!usable_ || !send_packet(socket_.native_handle(), head, text, fds)) return false;
  job_ = std::move(job);
  watch_over_kill(kLaunchTimeoutMs);
  return true;
}

void ShepherdClient::terminate(std::int64_t grace_ms) {
  if (!job_) return;
  PacketHead head{.kind = PacketKind::terminate};
  head.value = grace_ms;
  send_packet(socket_.native_handle(), head);
  watch_over_kill(grace_ms);
}

void ShepherdClient::kill_after(std::int64_t delay_ms) {
  if (!job_) return;
  PacketHead head{.kind = PacketKind::kill_after};
  head.value = delay_ms;
  send_packet(socket_.native_handle(), head);
  watch_over_kill(delay_ms);
}

void ShepherdClient::watch_over_kill(std::int64_t delay_ms) {
  job_->overdue.expires_after(std::chrono::milliseconds(delay_ms + kOverdueMs));
  job_->overdue.async_wait(
      [self = shared_from_this(), job = job_](const boost::system::error_code& error) {
        if (error || job->truth || self->job_ != job) return;
        ::syscall(SYS_pidfd_send_signal, self->pidfd_.get(), SIGKILL, nullptr, 0);
      });
}

void ShepherdClient::confirm_gone() {
  usable_ = false;
  if (const auto job = std::move(job_)) {
    ExitTruth lost;
    lost.lost = true;
    job->set_truth(lost);
  }
}

void ShepherdClient::close() {
  usable_ = false;
  boost::system::error_code ignored;
  socket_.close(ignored);
  confirm_gone();
}

}  // namespace tandem::exec
