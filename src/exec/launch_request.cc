#include "exec/launch_request.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tandem::exec {

namespace {
Error no_resources(const char* what) {
  return fail(Errc::internal, std::string("The job cannot be started, no ") + what + ": " +
                                  std::strerror(errno) + ".");
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

std::optional<Error> fault_of(const ProcessSpec& spec) {
  const auto wrong = [](const char* sentence, const char* field) {
    return fail(Errc::validation_failed, sentence, field);
  };
  if (spec.argv.empty() || !spec.argv[0].starts_with('/')) {
    return wrong("The program must be given by its absolute path.", "argv");
  }
  if (!spec.cwd.starts_with('/') || has_nul(spec.cwd)) {
    return wrong("The working directory must be an absolute path.", "cwd");
  }
  for (const auto& argument : spec.argv) {
    if (has_nul(argument)) return wrong("An argument holds a NUL byte.", "argv");
  }
  for (const auto& [name, value] : spec.env) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value)) {
      return wrong("A variable of the environment has a bad name or holds a NUL byte.", "env");
    }
  }
  return std::nullopt;
}

// A file in memory with these bytes, at its start.
UniqueFd memory_file(std::string_view bytes) {
  UniqueFd file(::memfd_create("tandem", MFD_CLOEXEC));
  while (file && !bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written <= 0) return UniqueFd();
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (file) ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

bool make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return true;
}

bool open_terminal(const ProcessSpec& spec, LaunchRequest& request) {
  UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!master || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0) return false;
  const winsize size{.ws_row = spec.rows, .ws_col = spec.cols, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(master.get(), TIOCSWINSZ, &size);
  for (int i = 0; i < 3; ++i) {
    UniqueFd end(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!end) return false;
    request.jobs_ends.push_back(std::move(end));
  }
  request.our_ends.stdout_fd = std::move(master);
  request.our_ends.pty = true;
  return true;
}

bool open_stdin(ProcessSpec& spec, LaunchRequest& request) {
  UniqueFd end;
  if (spec.stdin_fd) {
    end = std::move(spec.stdin_fd);
  } else if (spec.stdin_data) {
    end = memory_file(*spec.stdin_data);
  } else if (spec.stdin_pipe) {
    if (!make_pipe(end, request.our_ends.stdin_fd)) return false;
  } else {
    end.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  if (!end) return false;
  request.jobs_ends.push_back(std::move(end));
  return true;
}

bool open_output(UniqueFd& ours, LaunchRequest& request) {
  UniqueFd end;
  if (!make_pipe(ours, end)) return false;
  request.jobs_ends.push_back(std::move(end));
  return true;
}

void encode(const ProcessSpec& spec, LaunchRequest& request) {
  LaunchFields& fields = request.head.launch;
  fields.argc = static_cast<std::uint32_t>(spec.argv.size());
  fields.envc = static_cast<std::uint32_t>(spec.env.size());
  fields.pty = spec.pty;
  fields.control = spec.control;
  fields.input = static_cast<bool>(spec.input_fd);
  fields.no_network = !spec.network;
  fields.change_user = spec.user.has_value();
  if (spec.user) {
    fields.uid = spec.user->uid;
    fields.gid = spec.user->gid;
  }
  fields.memory_bytes = spec.limits.memory_bytes.value_or(kNoLimit);
  fields.processes = spec.limits.processes.value_or(kNoLimit);
  fields.cpu_s = spec.limits.cpu_s.value_or(kNoLimit);
  fields.open_files = spec.limits.open_files.value_or(kNoLimit);
  fields.file_bytes = spec.limits.file_bytes.value_or(kNoLimit);
  fields.kill_at_ms = spec.kill_at.ms;
  std::string& text = request.text;
  text.append(spec.cwd).push_back('\0');
  for (const auto& argument : spec.argv) text.append(argument).push_back('\0');
  for (const auto& [name, value] : spec.env) {
    text.append(name).append("=").append(value).push_back('\0');
  }
}
}  // namespace

Result<LaunchRequest> LaunchRequest::make(ProcessSpec& spec) {
  if (const auto fault = fault_of(spec)) return *fault;
  LaunchRequest request;
  encode(spec, request);
  if (spec.pty) {
    if (!open_terminal(spec, request)) return no_resources("terminal");
  } else if (!open_stdin(spec, request) || !open_output(request.our_ends.stdout_fd, request) ||
             !open_output(request.our_ends.stderr_fd, request)) {
    return no_resources("pipe");
  }
  if (spec.control && !open_output(request.our_ends.control_fd, request)) {
    return no_resources("pipe");
  }
  if (spec.input_fd) request.jobs_ends.push_back(std::move(spec.input_fd));
  if (request.text.size() > kMaxPacketTextBytes) {
    UniqueFd file = memory_file(request.text);
    if (!file) return no_resources("memory");
    request.jobs_ends.push_back(std::move(file));
    request.head.launch.text_in_file = true;
    request.text.clear();
  }
  return request;
}

std::vector<int> LaunchRequest::fds() const {
  std::vector<int> numbers;
  for (const auto& end : jobs_ends) numbers.push_back(end.get());
  return numbers;
}

Error launch_failure(LaunchStep step, int error) {
  const auto rejected = [](std::string sentence) {
    return fail(Errc::validation_failed, std::move(sentence));
  };
  if (step == LaunchStep::directory) {
    return rejected(std::string("The working directory cannot be entered: ") +
                    std::strerror(error) + ".");
  }
  if (step == LaunchStep::program) {
    switch (error) {
      case ENOENT:
        return rejected("There is no such program, or the interpreter it names is missing.");
      case EACCES: return rejected("The program is not executable: permission denied.");
      case ENOEXEC:
        return rejected(
            "The file is not a program: neither a binary of this machine "
            "nor a script that begins with #!.");
      case E2BIG: return rejected("The arguments and the environment are too long together.");
      default:
        return rejected(std::string("The program cannot be executed: ") + std::strerror(error) +
                        ".");
    }
  }
  const char* what = step == LaunchStep::user      ? "The job cannot be given its user: "
                     : step == LaunchStep::network ? "The job cannot be cut off the network: "
                     : step == LaunchStep::limits  ? "The job cannot be given its limits: "
                                                   : "The job cannot be started: ";
  return fail(Errc::internal, std::string(what) + std::strerror(error) + ".");
}

}  // namespace tandem::exec
