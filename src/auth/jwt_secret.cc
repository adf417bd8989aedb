#include "auth/jwt_secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "auth/hmac.h"
#include "base/encoding.h"
#include "base/unique_fd.h"

namespace tandem::auth {
namespace {

constexpr std::size_t kMaxFileBytes = 4096;
constexpr const char* kFileName = "jwt.secret";
// What tutorials and sample configurations put where a secret belongs.
constexpr std::array<std::string_view, 10> kExamples = {
    "changeme",    "change-me",   "change_me",    "replaceme",    "replace-me",
    "your-secret", "your_secret", "your-256-bit", "super-secret", "supersecret"};

Error trouble(std::string_view what) {
  const int code = errno;
  const Errc errc = code == ENOSPC || code == EDQUOT ? Errc::disk_full : Errc::internal;
  return fail(errc, "The file jwt.secret of the data directory " + std::string(what) + ": " +
                        std::strerror(code));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Result<std::string> read_secret(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return trouble("can't be opened");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return trouble("can't be examined");
  if (!S_ISREG(status.st_mode) || (status.st_mode & 077) != 0)
    return fail(
        Errc::internal,
        "The file jwt.secret of the data directory can be read by others: its mode must be 0600");
  std::array<char, kMaxFileBytes> buffer;
  const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
  if (size < 0) return trouble("can't be read");
  std::string secret(buffer.data(), static_cast<std::size_t>(size));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (const std::string weakness = weakness_of(secret); !weakness.empty())
    return fail(Errc::internal, "The secret in jwt.secret of the data directory " + weakness);
  return secret;
}

Result<void> write_synced(const std::filesystem::path& path, std::string_view text) {
  ::unlink(path.c_str());
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return trouble("can't be made");
  const ssize_t written = ::write(file.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) return trouble("can't be written");
  if (::fsync(file.get()) != 0) return trouble("can't be synced");
  return {};
}

Result<void> make_secret_file(const std::filesystem::path& data_dir, Random& random) {
  std::string bytes(kMinJwtSecretBytes, '\0');
  random.fill(std::as_writable_bytes(std::span(bytes)));
  const auto target = data_dir / kFileName;
  const auto draft = data_dir / ("jwt.secret." + std::to_string(::getpid()));
  if (auto written = write_synced(draft, to_base64url(bytes) + "\n"); !written) {
    ::unlink(draft.c_str());
    return written.error();
  }
  // link, not rename: of two servers that start at once, the second takes the first one's secret.
  const bool linked = ::link(draft.c_str(), target.c_str()) == 0 || errno == EEXIST;
  const int link_errno = errno;
  ::unlink(draft.c_str());
  errno = link_errno;
  if (!linked) return trouble("can't be made");
  const UniqueFd directory(::open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return trouble("can't be synced");
  return {};
}

}  // namespace

std::string weakness_of(std::string_view secret) {
  if (secret.size() < kMinJwtSecretBytes)
    return "must have at least " + std::to_string(kMinJwtSecretBytes) + " bytes";
  const std::string text = lower(secret);
  for (const std::string_view example : kExamples)
    if (text.find(example) != std::string::npos)
      return "is an example's; make one with: openssl rand -base64 32";
  return {};
}

std::string fingerprint_of(std::string_view secret) {
  constexpr std::size_t kBytes = 16;
  return to_hex(hmac_sha256(secret, "tandem token secret fingerprint").substr(0, kBytes));
}

Result<std::optional<std::string>> load_jwt_secret(const std::filesystem::path& data_dir) {
  if (::access((data_dir / kFileName).c_str(), F_OK) != 0) return std::optional<std::string>{};
  auto secret = read_secret(data_dir / kFileName);
  if (!secret) return secret.error();
  return std::optional(std::move(*secret));
}

Result<std::string> load_or_make_jwt_secret(const std::filesystem::path& data_dir, Random& random) {
  if (::access((data_dir / kFileName).c_str(), F_OK) != 0)
    if (auto made = make_secret_file(data_dir, random); !made) return made.error();
  return read_secret(data_dir / kFileName);
}

}  // namespace tandem::auth
