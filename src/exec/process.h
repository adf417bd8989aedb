#pragma once

#include <sys/types.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "io/asio.h"

namespace tandem::exec {

// Each absent limit is the server's own. The core size is always 0.
struct ProcessLimits {
  std::optional<std::uint64_t> memory_bytes;  // of the whole job with Capabilities::memory_limit
  std::optional<std::uint64_t> processes;     // of the whole job with Capabilities::process_limit
  std::optional<std::uint64_t> cpu_s;         // of each process; then SIGXCPU
  std::optional<std::uint64_t> open_files;    // of each process
  std::optional<std::uint64_t> file_bytes;    // of each written file; then SIGXFSZ
  bool operator==(const ProcessLimits&) const = default;
};

// Whom a job runs as, with no other group.
struct ProcessUser {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct ProcessSpec {
  std::vector<std::string> argv;           // argv[0] is an absolute path: PATH is not searched
  std::map<std::string, std::string> env;  // all of it; nothing is inherited
  std::string cwd;                         // absolute
  // Standard input, the first of: a terminal; this descriptor; these bytes; a pipe for
  // write_stdin; nothing (/dev/null).
  bool pty = false;                    // stdin, stdout and stderr are one terminal
  std::uint16_t cols = 80, rows = 24;  // of the terminal
  UniqueFd stdin_fd;
  std::optional<std::string> stdin_data;
  bool stdin_pipe = false;
  bool control = false;  // descriptor 3 is a pipe to read_control
  UniqueFd input_fd;     // becomes descriptor 4, if it is one
  ProcessLimits limits;
  std::optional<ProcessUser> user;  // absent: the server's own; needs root
  bool network = true;              // false: only a loopback of its own; needs root
  // Of the machine's clock (SystemClock): the job is dead then unless Process::kill_after is
  // called. Holds from the start on, also where nobody has heard of the start yet.
  MonoTime kill_at = kNever;
};

// How the job's first process ended. Whether a timeout or a cancel was the reason is known to the
// one who called terminate.
struct ExitTruth {
  std::optional<int> exit_code;  // absent: a signal, or lost
  int signal = 0;
  bool out_of_memory = false;  // the kernel killed a process of it for want of memory
  bool lost = false;           // its shepherd died, so nobody knows; the job is dead all the same
  bool leftovers = false;      // some process could not be killed (stuck in the kernel)
  std::int64_t user_ms = 0, system_ms = 0;
  std::uint64_t max_rss_bytes = 0;
};

struct Job;  // shepherd_client.h

// A running job. All calls on the launcher's loop. Output waits in the kernel's pipes (64 KiB
// each): a reader that does not read stops the job, not the server. Destroying it kills the job at
// once.
class Process {
 public:
  using Stream = io::asio::posix::basic_stream_descriptor<io::Executor>;

  struct Ends;  // of the pipes
  Process(std::shared_ptr<Job> job, Ends ends);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const;  // 0 where the job was lost at its start

  // The number of bytes; 0 at the end. internal: the pipe failed. One read of each at a time. With
  // a terminal everything is on stdout, and stderr ends at once.
  io::Awaitable<Result<std::size_t>> read_stdout(std::span<char> buffer);
  io::Awaitable<Result<std::size_t>> read_stderr(std::span<char> buffer);
  io::Awaitable<Result<std::size_t>> read_control(std::span<char> buffer);

  // Returns once all is in the pipe. not_waiting: the job closed its input, or it has none.
  io::Awaitable<Result<void>> write_stdin(std::string_view data);
  void close_stdin();  // with a terminal: sends ^D
  void resize(std::uint16_t cols, std::uint16_t rows);

  // SIGTERM to every process of the job now; every one that is left after `grace_ms` is killed. A
  // later call can only shorten the time. Kept by the shepherd: a stalled server delays nothing.
  void terminate(std::int64_t grace_ms);
  void kill() { kill_after(0); }
  // The job is killed when `delay_ms` have passed and this was not called again: a lease.
  void kill_after(std::int64_t delay_ms);

  // Returns when no process of the job is alive: what the first process leaves behind is killed.
  // What is in the pipes can be read afterwards. Several may wait; may be cancelled and repeated.
  io::Awaitable<ExitTruth> wait();

 private:
  io::Awaitable<Result<std::size_t>> read(std::optional<Stream>& stream, std::span<char> buffer);

  std::shared_ptr<Job> job_;
  bool pty_ = false;
  std::optional<Stream> stdin_, stdout_, stderr_, control_;  // stdout_ is the terminal, if any
};

}  // namespace tandem::exec
