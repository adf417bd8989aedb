#include "exec/process.h"

#include <sys/ioctl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "exec/launch_request.h"
#include "exec/shepherd_client.h"

namespace tandem::exec {

namespace {
constexpr char kEndOfTransmission = 4;  // ^D

void open(std::optional<Process::Stream>& stream, io::Executor executor, UniqueFd fd) {
  if (fd) stream.emplace(executor, fd.release());
}
}  // namespace

Process::Process(std::shared_ptr<Job> job, Ends ends) : job_(std::move(job)), pty_(ends.pty) {
  const io::Executor executor = job_->changed.get_executor();
  open(stdin_, executor, std::move(ends.stdin_fd));
  open(stdout_, executor, std::move(ends.stdout_fd));
  open(stderr_, executor, std::move(ends.stderr_fd));
  open(control_, executor, std::move(ends.control_fd));
}

Process::~Process() {
  if (!job_->truth) kill();
}

pid_t Process::pid() const { return job_->pid; }

io::Awaitable<Result<std::size_t>> Process::read(std::optional<Stream>& stream,
                                                 std::span<char> buffer) {
  if (!stream) co_return std::size_t{0};
  boost::system::error_code error;
  const std::size_t bytes =
      co_await stream->async_read_some(io::asio::buffer(buffer.data(), buffer.size()),
                                       io::asio::redirect_error(io::use_awaitable, error));
  if (!error) co_return bytes;
  if (error == io::asio::error::operation_aborted) throw boost::system::system_error(error);
  // A terminal whose last process closed it answers EIO: that is its end.
  if (error == io::asio::error::eof || (pty_ && error.value() == EIO)) {
    if (!pty_) stream.reset();
    co_return std::size_t{0};
  }
  co_return fail(Errc::internal, "The output of the job cannot be read: " + error.message() + ".");
}

io::Awaitable<Result<std::size_t>> Process::read_stdout(std::span<char> buffer) {
  return read(stdout_, buffer);
}
io::Awaitable<Result<std::size_t>> Process::read_stderr(std::span<char> buffer) {
  return read(stderr_, buffer);
}
io::Awaitable<Result<std::size_t>> Process::read_control(std::span<char> buffer) {
  return read(control_, buffer);
}

io::Awaitable<Result<void>> Process::write_stdin(std::string_view data) {
  std::optional<Stream>& stream = pty_ ? stdout_ : stdin_;
  if (!stream) co_return fail(Errc::not_waiting, "The job takes no input.");
  boost::system::error_code error;
  co_await io::asio::async_write(*stream, io::asio::buffer(data.data(), data.size()),
                                 io::asio::redirect_error(io::use_awaitable, error));
  const bool was_cancelled = error == io::asio::error::operation_aborted && stream;
  if (was_cancelled) throw boost::system::system_error(error);
  if (error) co_return fail(Errc::not_waiting, "The job has closed its input.");
  Result<void> done;
  co_return done;
}

void Process::close_stdin() {
  if (!pty_) {
    stdin_.reset();
  } else if (stdout_) {
    [[maybe_unused]] const ssize_t written =
        ::write(stdout_->native_handle(), &kEndOfTransmission, 1);
  }
}

void Process::resize(std::uint16_t cols, std::uint16_t rows) {
  if (!pty_ || !stdout_) return;
  const winsize size{.ws_row = rows, .ws_col = cols, .ws_xpixel = 0, .ws_ypixel = 0};
  ::ioctl(stdout_->native_handle(), TIOCSWINSZ, &size);
}

void Process::terminate(std::int64_t grace_ms) {
  if (job_->shepherd) job_->shepherd->terminate(grace_ms);
}

void Process::kill_after(std::int64_t delay_ms) {
  if (job_->shepherd) job_->shepherd->kill_after(delay_ms);
}

io::Awaitable<ExitTruth> Process::wait() {
  const auto job = job_;
  while (!job->truth) co_await job->wait_for_change();
  co_return *job->truth;
}

}  // namespace tandem::exec
