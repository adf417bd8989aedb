#include "exec/launcher.h"

#include <fcntl.h>
#include <signal.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <map>

#include "exec/launch_request.h"
#include "exec/packet.h"
#include "exec/shepherd_client.h"

namespace tandem::exec {

namespace {
constexpr int kMaxGuards = 3;  // that may die while one job is started
// A guard that does not answer within it was stopped by a job.
constexpr std::chrono::seconds kGuardPatience{5};
}  // namespace

// Shared with the pending reads, which may end after the launcher.
class Launcher::State : public std::enable_shared_from_this<State> {
 public:
  State(io::Executor executor, Guard& guard)
      : executor_(executor),
        changed_(executor, io::Timer::time_point::max()),
        patience_(executor),
        guard_process_(&guard),
        guard_(executor, ::fcntl(guard.socket(), F_DUPFD_CLOEXEC, 0)) {}

  io::Executor executor() const { return executor_; }
  bool is_alive() const { return alive_; }
  std::size_t idle() const { return idle_.size(); }

  void listen();
  void close();
  // Nothing where the guard is gone or the system has no process left.
  io::Awaitable<std::shared_ptr<ShepherdClient>> acquire();

 private:
  struct Waiting {
    explicit Waiting(std::size_t& count) : count_(count) { ++count_; }
    ~Waiting() { --count_; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    std::size_t& count_;
  };

  void on_readable();
  void on_packet(Packet& packet);
  void on_change(const std::shared_ptr<ShepherdClient>& client);
  void guard_died();
  bool has_guard();
  bool request_missing();
  void watch_guard();

  io::Executor executor_;
  io::Timer changed_;  // never expires; cancelled when idle_, refusals_ or alive_ change
  io::Timer patience_;
  Guard* guard_process_;  // null after close(): the guard may be gone by then
  ShepherdClient::Stream guard_;
  std::map<std::int64_t, std::shared_ptr<ShepherdClient>> shepherds_;
  std::vector<std::shared_ptr<ShepherdClient>> idle_;
  std::size_t waiting_ = 0;    // in acquire()
  std::size_t requested_ = 0;  // shepherds, of this guard, that did not answer yet
  std::size_t refusals_ = 0;
  bool alive_ = true;
};

void Launcher::State::listen() {
  auto on_event = [self = shared_from_this()](boost::system::error_code error) {
    if (error || !self->alive_) return;
    self->on_readable();
    if (self->alive_) self->listen();
  };
  guard_.async_wait(ShepherdClient::Stream::wait_read, std::move(on_event));
}

void Launcher::State::on_readable() {
  Packet packet;
  Received received = Received::packet;
  while ((received = receive_packet(guard_.native_handle(), packet)) == Received::packet) {
    on_packet(packet);
  }
  if (received == Received::closed) guard_died();
}

void Launcher::State::on_packet(Packet& packet) {
  const std::int64_t number = packet.head.value;
  patience_.cancel();
  if (packet.head.kind == PacketKind::new_shepherd && requested_ > 0) --requested_;
  if (packet.head.kind == PacketKind::shepherd_gone) {
    const auto found = shepherds_.find(number);
    if (found == shepherds_.end()) return;
    const auto client = found->second;
    shepherds_.erase(found);
    std::erase(idle_, client);
    client->confirm_gone();
  } else if (packet.fds.size() == 2) {
    auto on_change = [weak = weak_from_this()](const std::shared_ptr<ShepherdClient>& changed) {
      if (const auto self = weak.lock()) self->on_change(changed);
    };
    const auto client = std::make_shared<ShepherdClient>(executor_, packet, std::move(on_change));
    shepherds_[number] = client;
    client->start();
    idle_.push_back(client);
    changed_.cancel();
  } else {
    ++refusals_;
    changed_.cancel();
  }
}

void Launcher::State::on_change(const std::shared_ptr<ShepherdClient>& client) {
  const auto known = shepherds_.find(client->number());
  const bool has_guard = known != shepherds_.end() && known->second == client;
  if (client->is_usable() && has_guard) {
    idle_.push_back(client);
    changed_.cancel();
    return;
  }
  std::erase(idle_, client);
  if (!has_guard) client->confirm_gone();  // a shepherd ends with its job, and after its guard
}

// Its shepherds die with it, each when it has killed its job; nobody else will say so.
void Launcher::State::guard_died() {
  alive_ = false;
  boost::system::error_code ignored;
  guard_.close(ignored);
  idle_.clear();
  for (const auto& [number, client] : std::exchange(shepherds_, {})) {
    if (!client->is_usable()) client->confirm_gone();
  }
  changed_.cancel();
}

// A job may have killed the guard: then this starts another one.
bool Launcher::State::has_guard() {
  if (alive_ || guard_process_ == nullptr) return alive_;
  if (!guard_process_->renew()) return false;
  guard_.assign(::fcntl(guard_process_->socket(), F_DUPFD_CLOEXEC, 0));
  alive_ = true;
  requested_ = refusals_ = 0;
  listen();
  return true;
}

// One for each that waits: the one that was asked for may have been taken by who came later. False
// where the guard is gone.
bool Launcher::State::request_missing() {
  const PacketHead request{.kind = PacketKind::new_shepherd};
  for (; requested_ < waiting_; ++requested_) {
    if (!send_packet(guard_.native_handle(), request)) return false;
    watch_guard();
  }
  return true;
}

void Launcher::State::watch_guard() {
  patience_.expires_after(kGuardPatience);
  patience_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && self->alive_) ::kill(self->guard_process_->pid(), SIGKILL);
  });
}

void Launcher::State::close() {
  alive_ = false;
  patience_.cancel();
  guard_process_ = nullptr;
  changed_.cancel();
  boost::system::error_code ignored;
  guard_.close(ignored);
  idle_.clear();
  for (const auto& [number, client] : std::exchange(shepherds_, {})) client->close();
}

io::Awaitable<std::shared_ptr<ShepherdClient>> Launcher::State::acquire() {
  const auto self = shared_from_this();
  for (int guards = 0; guards < kMaxGuards && has_guard(); ++guards) {
    bool has_waited = false;
    while (alive_) {
      while (!idle_.empty()) {
        const auto client = std::move(idle_.back());
        idle_.pop_back();
        if (client->is_usable()) co_return client;
      }
      if (has_waited && refusals_ > 0) {
        --refusals_;
        co_return nullptr;
      }
      const Waiting waiting(waiting_);
      if (!request_missing()) {
        guard_died();
        break;
      }
      has_waited = true;
      boost::system::error_code woken;
      co_await changed_.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
    }
  }
  co_return nullptr;
}

namespace {
// Kills what it holds unless told otherwise: the caller may be cancelled at each co_await.
struct KillUnlessKept {
  std::shared_ptr<Job> job;
  ~KillUnlessKept() {
    if (job && job->shepherd && !job->truth) job->shepherd->kill_after(0);
  }
};
}  // namespace

Launcher::Launcher(io::Executor executor, Guard& guard)
    : state_(std::make_shared<State>(executor, guard)) {
  // A job that closed its input must cost an error, not the server.
  struct sigaction pipe_action {};
  if (::sigaction(SIGPIPE, nullptr, &pipe_action) == 0 && pipe_action.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
  state_->listen();
}

Launcher::~Launcher() { state_->close(); }

bool Launcher::is_alive() const { return state_->is_alive(); }
std::size_t Launcher::idle_shepherds() const { return state_->idle(); }

io::Awaitable<Result<std::unique_ptr<Process>>> Launcher::launch(ProcessSpec spec) {
  const auto state = state_;
  auto request = LaunchRequest::make(spec);
  if (!request) co_return request.error();
  const auto shepherd = co_await state->acquire();
  if (!shepherd) co_return fail(Errc::internal, "No process can be started for the job.");
  const auto job = std::make_shared<Job>(state->executor(), shepherd);
  const auto fds = request->fds();
  if (!shepherd->launch(job, request->head, request->text, fds)) {
    co_return fail(Errc::internal, "The process that starts jobs does not listen.");
  }
  KillUnlessKept guard{job};
  request->jobs_ends.clear();
  while (!job->launched && !job->truth) co_await job->wait_for_change();
  // A job can kill its shepherd before the shepherd has spoken: it ran, and is told as lost.
  if (job->launched && job->launched->error != 0) {
    co_return launch_failure(job->launched->step, static_cast<int>(job->launched->error));
  }
  auto process = std::make_unique<Process>(job, std::move(request->our_ends));
  guard.job.reset();
  co_return process;
}

}  // namespace tandem::exec
