#include "app/cli/terminal.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <csignal>
#include <cstdio>
#include <utility>

#include "app/cli/task_text.h"

namespace tandem::app::cli {
namespace {

constexpr std::size_t kPieceBytes = 16 * 1024;
constexpr int kBarCells = 24;

// How many bytes at the end begin a UTF-8 character that is not yet whole.
std::size_t unfinished_bytes(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return wanted > back ? back : 0;
  }
  return 0;
}

constexpr std::array kEndings = {SIGINT, SIGTERM, SIGHUP};
termios mode_to_restore{};  // for the handler, while a mode is in force

// A command that a signal ends leaves the terminal as it was.
void restore_and_end(int signal) {
  ::tcsetattr(STDIN_FILENO, TCSANOW, &mode_to_restore);
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

// Signals that something waits for already are left alone.
void set_handlers(void (*from)(int), void (*to)(int)) {
  for (const int signal : kEndings) {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == from) ::signal(signal, to);
  }
}

}  // namespace

TerminalMode::TerminalMode(Kind kind) {
  termios now{};
  if (::tcgetattr(STDIN_FILENO, &now) != 0) return;
  before_ = now;
  mode_to_restore = now;
  set_handlers(SIG_DFL, restore_and_end);
  if (kind == Kind::raw)
    ::cfmakeraw(&now);
  else
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
}

TerminalMode::~TerminalMode() {
  if (!before_) return;
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &*before_);
  set_handlers(restore_and_end, SIG_DFL);
}

StdinReader::StdinReader(io::Executor executor) : descriptor_(executor) {
  const int fd = ::dup(STDIN_FILENO);
  if (fd < 0) return;
  boost::system::error_code error;
  descriptor_.assign(fd, error);
  can_wait_ = !error;
  if (error) ::close(fd);
}

io::Awaitable<std::optional<std::string>> StdinReader::read_bytes() {
  if (can_wait_) {
    boost::system::error_code error;
    co_await descriptor_.async_wait(descriptor_.wait_read,
                                    io::asio::redirect_error(io::use_awaitable, error));
    can_wait_ = error != io::asio::error::operation_not_supported;  // a file is always ready
    if (error && can_wait_) throw boost::system::system_error(error);
  }
  std::string bytes(kPieceBytes, '\0');
  const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
  if (count <= 0) co_return std::nullopt;
  bytes.resize(static_cast<std::size_t>(count));
  co_return bytes;
}

io::Awaitable<std::optional<std::string>> StdinReader::read() {
  while (true) {
    auto bytes = co_await read_bytes();
    if (!bytes) co_return rest_.empty() ? std::nullopt : std::optional(std::exchange(rest_, {}));
    rest_ += *bytes;
    const std::size_t whole = rest_.size() - unfinished_bytes(rest_);
    if (whole == 0) continue;
    std::string text = rest_.substr(0, whole);
    rest_.erase(0, whole);
    co_return text;
  }
}

io::Awaitable<std::optional<std::string>> StdinReader::read_line() {
  while (true) {
    const std::size_t end = rest_.find('\n');
    if (end != std::string::npos) {
      std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      co_return line;
    }
    auto bytes = co_await read_bytes();
    if (!bytes) co_return rest_.empty() ? std::nullopt : std::optional(std::exchange(rest_, {}));
    rest_ += *bytes;
  }
}

ProgressBar::ProgressBar() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressBar::show(const Progress& progress) {
  if (!is_terminal_ || (!progress.percent && progress.message.empty())) return;
  std::string line;
  if (progress.percent) {
    const int done = static_cast<int>(std::clamp(*progress.percent, 0.0, 100.0) * kBarCells / 100);
    line = "[" + std::string(static_cast<std::size_t>(done), '#') +
           std::string(static_cast<std::size_t>(kBarCells - done), ' ') +
           fmt::format("] {:3.0f} %  ", *progress.percent);
  }
  line += plain(progress.message);
  if (line == shown_) return;
  shown_ = line;
  fmt::print(stderr, "\r{}\x1b[K", line);
  std::fflush(stderr);
}

void ProgressBar::take_away() {
  if (shown_.empty()) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_.clear();
}

bool is_stdin_terminal() { return ::isatty(STDIN_FILENO) == 1; }

std::optional<wire::ResizeFrame> terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return wire::ResizeFrame{size.ws_col, size.ws_row};
}

}  // namespace tandem::app::cli
