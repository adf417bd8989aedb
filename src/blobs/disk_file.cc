#include "blobs/disk_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace tandem::blobs {
namespace {

constexpr std::size_t kCopyBytes = 256 * 1024;

}  // namespace

Error disk_error(int error) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG)
    return fail(Errc::disk_full, "The disk of the task files is full.");
  if (error == ENOENT) return fail(Errc::not_found, "There is no such file.");
  return fail(Errc::store_unavailable,
              "The task files can't be used at the moment (errno " + std::to_string(error) + ").");
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error(errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> read_all(int fd, const std::function<Result<void>(std::string_view)>& take) {
  std::string buffer(kCopyBytes, '\0');
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return disk_error(errno);
    if (count == 0) return {};
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(count));
    if (Result<void> taken = take(piece); !taken) return taken;
  }
}

Result<UniqueFd> open_plain_file(const std::string& path) {
  // O_NONBLOCK: a pipe must not hold us up.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const int open_error = errno;
  struct stat status {};
  const bool is_plain = fd && fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode);
  if (!fd && open_error != ELOOP && open_error != ENXIO) return disk_error(open_error);
  if (!is_plain)
    return fail(Errc::validation_failed, "Only regular files can be taken in.", "name");
  if (status.st_nlink != 1)
    return fail(Errc::validation_failed, "A file with a second name is not taken in.", "name");
  return fd;
}

}  // namespace tandem::blobs
