#include "base/mark_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "base/unique_fd.h"

namespace tandem {
namespace {

constexpr std::size_t kMaxBytes = 256;

Error trouble(const std::filesystem::path& path) {
  const int code = errno;
  const Errc errc = code == ENOSPC || code == EDQUOT ? Errc::disk_full : Errc::store_unavailable;
  return fail(errc, path.string() + ": " + std::strerror(code));
}

bool write_synced(int fd, std::string_view text) {
  return ::write(fd, text.data(), text.size()) == std::ssize(text) && ::fsync(fd) == 0;
}

Result<void> make(const std::filesystem::path& path, std::string_view text) {
  std::string draft = path.string() + ".XXXXXX";
  const UniqueFd file(::mkostemp(draft.data(), O_CLOEXEC));
  if (!file) return trouble(path);
  // link, not rename: whoever comes second takes what the first one wrote.
  const bool is_made = write_synced(file.get(), text) &&
                       (::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const Error error = trouble(path);
  ::unlink(draft.c_str());
  if (!is_made) return error;
  const UniqueFd folder(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return trouble(path);
  return {};
}

}  // namespace

Result<std::string> read_or_make_mark(const std::filesystem::path& path, std::string_view text) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file && errno == ENOENT) {
    if (auto made = make(path, text); !made) return made.error();
    file.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  }
  if (!file) return trouble(path);
  std::array<char, kMaxBytes> buffer;
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0) return trouble(path);
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

}  // namespace tandem
