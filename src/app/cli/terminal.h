#pragma once

#include <termios.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <optional>
#include <string>

#include "core/task.h"
#include "io/asio.h"
#include "wire/task_frames.h"

namespace tandem::app::cli {

// The terminal of stdin in another mode, until this ends. Does nothing where stdin is no terminal.
class TerminalMode {
 public:
  enum class Kind { raw, no_echo };
  explicit TerminalMode(Kind kind);
  ~TerminalMode();
  TerminalMode(const TerminalMode&) = delete;
  TerminalMode& operator=(const TerminalMode&) = delete;

 private:
  std::optional<termios> before_;
};

// Reads stdin without blocking the loop, be it a terminal, a pipe or a file. One reader at a time.
class StdinReader {
 public:
  explicit StdinReader(io::Executor executor);

  // What there is, in whole UTF-8 characters; nothing at its end.
  io::Awaitable<std::optional<std::string>> read();
  // Without its line end; nothing at the end of stdin.
  io::Awaitable<std::optional<std::string>> read_line();

 private:
  io::Awaitable<std::optional<std::string>> read_bytes();

  io::asio::posix::basic_stream_descriptor<io::Executor> descriptor_;
  bool can_wait_ = false;
  std::string rest_;
};

// The last line of a terminal on stderr; says nothing where stderr is none. Take it away before
// anything else is written.
class ProgressBar {
 public:
  ProgressBar();
  void show(const Progress& progress);
  void take_away();

 private:
  bool is_terminal_;
  std::string shown_;
};

bool is_stdin_terminal();
std::optional<wire::ResizeFrame> terminal_size();  // of stdout; nothing where it is no terminal

}  // namespace tandem::app::cli
