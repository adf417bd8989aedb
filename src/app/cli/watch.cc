#include "app/cli/watch.h"

#include <fmt/core.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "app/cli/log_printer.h"
#include "app/cli/task_text.h"
#include "app/cli/terminal.h"
#include "base/limits.h"
#include "io/task_group.h"
#include "net/ws_client.h"

namespace tandem::app::cli {
namespace {

constexpr int kMaxTries = 6;
constexpr std::int64_t kFirstPauseMs = 200;
constexpr std::int64_t kSendPauseMs = 20;
constexpr char kDetachKey = 0x1D;  // Ctrl-]

using Signals = io::asio::basic_signal_set<io::Executor>;

bool may_connect_again(const Error& error) {
  return error.code == Errc::store_unavailable || error.code == Errc::request_timeout ||
         error.code == Errc::token_expired || error.code == Errc::shutting_down;
}

class Watch {
 public:
  Watch(Session& session, const std::string& task_id, const WatchOptions& options)
      : session_(session), task_id_(task_id), options_(options), printer_(options) {}

  Result<Watched> run();

 private:
  io::Awaitable<void> follow();
  io::Awaitable<Result<void>> connect();
  io::Awaitable<Result<void>> one_connection();
  io::Awaitable<Result<void>> receive();
  Result<void> take(const std::string& message);
  void take_status(const Task& task);
  io::Awaitable<void> send(wire::ClientFrame frame);
  io::Awaitable<void> answer_questions();
  io::Awaitable<bool> answer(const InputRequest& request);
  void take_terminal();
  io::Awaitable<void> be_terminal();
  io::Awaitable<void> follow_size();
  io::Awaitable<void> follow_interrupts();
  void leave();

  Session& session_;
  const std::string task_id_;
  const WatchOptions& options_;
  LogPrinter printer_;
  ProgressBar bar_;
  io::asio::io_context context_{1};
  io::TaskGroup group_{context_.get_executor()};
  StdinReader stdin_{context_.get_executor()};
  std::shared_ptr<net::WsPeer> peer_;  // null while there is no connection
  std::optional<Task> task_;
  std::optional<InputRequest> question_;  // not yet shown
  std::string last_question_;
  bool is_asking_ = false, is_terminal_ = false, has_ended_ = false, has_left_ = false;
  bool was_connected_ = false;
  std::optional<TerminalMode> mode_;
  std::optional<Error> error_;
};

Result<Watched> Watch::run() {
  auto work = follow();
  io::asio::co_spawn(context_, std::move(work), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
  context_.run();
  mode_.reset();
  bar_.take_away();
  printer_.flush();
  if (error_) return *error_;
  return Watched{std::move(task_), has_left_};
}

io::Awaitable<void> Watch::follow() {
  if (options_.cancels) group_.spawn("interrupts", follow_interrupts());
  for (int tries = 0; !has_ended_ && !has_left_;) {
    const std::string before = printer_.place();
    const auto done = co_await one_connection();
    if (has_ended_ || has_left_) break;
    tries = printer_.place() == before ? tries + 1 : 1;
    const bool again = was_connected_ && (done.has_value() || may_connect_again(done.error()));
    if (!again || tries == kMaxTries) {
      error_ =
          done ? fail(Errc::store_unavailable, "The server ends the connection") : done.error();
      break;
    }
    if (!done && done.error().code == Errc::token_expired) session_.forget_token();
    co_await io::sleep_for(kFirstPauseMs << tries);
  }
  group_.cancel();
  co_await group_.join();
}

// Where a WebSocket is refused, a plain request says why, and renews a token that has run out.
io::Awaitable<Result<void>> Watch::connect() {
  for (bool is_second = false;; is_second = true) {
    auto credentials = session_.credentials();
    if (!credentials) co_return credentials.error();
    net::WsClientOptions options;
    const std::string place = printer_.place().empty() ? "0" : printer_.place();
    options.url = session_.server() + task_path(task_id_, "/ws?after=" + place);
    options.headers = std::move(*credentials);
    options.subprotocols = {"tandem.v1"};
    options.ca_file = session_.ca_file();
    auto peer = co_await net::connect_websocket(std::move(options));
    if (peer) {
      peer_ = std::move(*peer);
      was_connected_ = true;
      co_return Result<void>();
    }
    const auto task = session_.get(task_path(task_id_));
    if (!task) co_return task.error();
    const bool was_refused = row_of(peer.error().code).http_status == 401;
    if (is_second || !was_refused) co_return peer.error();
  }
}

io::Awaitable<Result<void>> Watch::one_connection() {
  const auto connected = co_await connect();
  if (!connected) co_return connected.error();
  if (const auto size = terminal_size(); is_terminal_ && size) {
    wire::ClientFrame frame = *size;
    co_await send(std::move(frame));
  }
  auto done = co_await receive();
  peer_->close(net::ws_code::kNormal, "");
  peer_.reset();
  co_return done;
}

io::Awaitable<Result<void>> Watch::receive() {
  while (!has_ended_ && !has_left_) {
    const auto message = co_await peer_->receive();
    if (!message) break;
    if (auto taken = take(*message); !taken) co_return taken;
    if (options_.has_progress && task_ && !is_terminal_) bar_.show(task_->progress);
  }
  co_return Result<void>();
}

Result<void> Watch::take(const std::string& message) {
  auto frame = wire::decode_server_frame(message);
  if (!frame) return frame.error();
  if (frame->type == "log" && !frame->records.empty()) bar_.take_away();
  if (frame->type == "log") {
    for (const wire::OwnedLogLine& line : frame->records) printer_.print(line);
    printer_.flush();
  } else if (frame->type == "status" && frame->task) {
    take_status(*frame->task);
  } else if (frame->type == "gap") {
    return print_log(session_, task_id_, frame->to, printer_);  // nothing else is to be done now
  } else if (frame->type == "end") {
    has_ended_ = true;
  } else if (frame->type == "error") {
    const Error error = fail(errc_from_name(frame->code).value_or(Errc::internal), frame->detail);
    if (error.code != Errc::not_waiting) return error;
    bar_.take_away();
    fmt::print(stderr, "tandem: {}\n", plain(error.detail));
  }
  return {};
}

void Watch::take_status(const Task& task) {
  task_ = task;
  if (!options_.answers || is_terminal(task.status)) return;
  if (task.spec.interactive) {
    if (!is_terminal_ && task.status != TaskStatus::pending) {
      is_terminal_ = true;
      bar_.take_away();
      take_terminal();
      group_.spawn("terminal", be_terminal());
      group_.spawn("size", follow_size());
    }
    return;
  }
  if (!task.input_request || task.input_request->request_id == last_question_) return;
  question_ = task.input_request;
  last_question_ = question_->request_id;
  if (!is_asking_) group_.spawn("questions", answer_questions());
}

// Waits for room, and for a connection where there is none.
io::Awaitable<void> Watch::send(wire::ClientFrame frame) {
  auto text = std::make_shared<const std::string>(wire::encode_client_frame(frame));
  while (!has_ended_ && !(peer_ && peer_->send(text))) co_await io::sleep_for(kSendPauseMs);
}

io::Awaitable<void> Watch::answer_questions() {
  is_asking_ = true;
  while (question_) {
    const InputRequest request = *question_;
    question_.reset();
    const bool is_open = co_await answer(request);
    if (!is_open) break;
  }
  is_asking_ = false;
}

io::Awaitable<bool> Watch::answer(const InputRequest& request) {
  bar_.take_away();
  const bool is_typed = is_stdin_terminal();
  if (is_typed && request.password) mode_.emplace(TerminalMode::Kind::no_echo);
  if (is_typed) fmt::print(stderr, "{} ", plain(request.prompt));
  std::fflush(stderr);
  auto line = co_await stdin_.read_line();
  if (mode_) fmt::print(stderr, "\n");
  mode_.reset();
  if (!line) {
    wire::ClientFrame eof = wire::EofFrame();
    co_await send(std::move(eof));
    co_return false;
  }
  if (line->ends_with('\r')) line->pop_back();
  wire::InputFrame input;
  input.data = std::move(*line);
  input.request_id = request.request_id;
  wire::ClientFrame frame = std::move(input);
  co_await send(std::move(frame));
  co_return true;
}

// At once: what the job says comes behind it.
void Watch::take_terminal() {
  if (!is_stdin_terminal()) return;
  fmt::print(stderr, "tandem: this is the task's terminal; Ctrl-] leaves it\r\n");
  mode_.emplace(TerminalMode::Kind::raw);
}

io::Awaitable<void> Watch::be_terminal() {
  const bool is_typed = is_stdin_terminal();
  while (true) {
    auto text = co_await stdin_.read();
    wire::ClientFrame frame = wire::EofFrame();
    const std::size_t detach = text && is_typed ? text->find(kDetachKey) : std::string::npos;
    if (text) {
      wire::InputFrame input;
      input.data = text->substr(0, detach);
      frame = std::move(input);
    }
    if (detach != 0) co_await send(std::move(frame));
    if (detach != std::string::npos) leave();
    if (!text || has_left_) co_return;
  }
}

io::Awaitable<void> Watch::follow_size() {
  Signals signals(context_.get_executor(), SIGWINCH);
  while (true) {
    if (const auto size = terminal_size()) {
      wire::ClientFrame frame = *size;
      co_await send(std::move(frame));
    }
    co_await signals.async_wait(io::use_awaitable);
  }
}

io::Awaitable<void> Watch::follow_interrupts() {
  Signals signals(context_.get_executor(), SIGINT);
  co_await signals.async_wait(io::use_awaitable);
  bar_.take_away();
  fmt::print(stderr, "tandem: cancelling the task; Ctrl-C again leaves it\n");
  if (peer_) {
    wire::ClientFrame frame = wire::CancelFrame();
    co_await send(std::move(frame));
  }
  co_await signals.async_wait(io::use_awaitable);
  leave();
}

void Watch::leave() {
  has_left_ = true;
  if (peer_) peer_->close(net::ws_code::kNormal, "");
}

}  // namespace

Result<Watched> watch(Session& session, const std::string& task_id, const WatchOptions& options) {
  return Watch(session, task_id, options).run();
}

}  // namespace tandem::app::cli
