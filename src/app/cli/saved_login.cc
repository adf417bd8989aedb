#include "app/cli/saved_login.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "app/installation.h"
#include "base/unique_fd.h"
#include "wire/json_writer.h"
#include "wire/problem.h"

namespace tandem::app::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRenewBeforeMs = 60'000;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

fs::path folder() {
  const fs::path config = variable("XDG_CONFIG_HOME");
  if (config.is_absolute()) return config / "tandem";  // another one is to be passed over
  std::string home = variable("HOME");
  if (const passwd* user = home.empty() ? ::getpwuid(::getuid()) : nullptr) home = user->pw_dir;
  return fs::path(home) / ".config" / "tandem";
}

fs::path place() { return folder() / "login.json"; }

Error trouble(const fs::path& path) {
  return fail(Errc::internal, "Can't use " + path.string() + ": " + std::strerror(errno));
}

Result<void> make_folder() {
  std::error_code error;
  fs::create_directories(folder().parent_path(), error);
  if (::mkdir(folder().c_str(), 0700) != 0 && errno != EEXIST) return trouble(folder());
  return {};
}

// Held by who changes the login.
Result<UniqueFd> take_lock() {
  if (auto made = make_folder(); !made) return made.error();
  const fs::path path = folder() / "login.lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) return trouble(path);
  return lock;
}

// With the lock held.
Result<void> write_login(const wire::SavedLogin& login) {
  return write_file(place(), wire::encode_saved_login(login), 0600);
}

Error ended(const wire::SavedLogin& login) {
  return fail(Errc::unauthenticated,
              "The saved login for " + login.server + " has ended; log in again: tandem login");
}

bool is_good(const wire::SavedLogin& login, const std::string& refused) {
  return !login.access_token.empty() && login.access_token != refused &&
         login.access_expires_at - SystemClock().wall() > kRenewBeforeMs;
}

Result<wire::SavedLogin> renewed(net::HttpClient& http, const wire::SavedLogin& login) {
  std::string body;
  wire::JsonWriter(body).begin_object().member("refresh_token", login.refresh_token).end_object();
  net::Headers headers;
  headers.add("Content-Type", "application/json");
  const auto answer = http.post(login.server + "/token/refresh", std::move(body), headers);
  if (!answer)
    return fail(answer.error().code,
                "The server at " + login.server + " can't be reached: " + answer.error().detail);
  if (answer->status == 401 || answer->status == 400) return ended(login);
  if (answer->status != 200) return wire::decode_problem(answer->body, Errc::internal).error;
  return login_of(login.server, login.client_id, answer->body);
}

}  // namespace

Result<std::optional<wire::SavedLogin>> read_saved_login() {
  const fs::path path = place();
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::optional<wire::SavedLogin>();
  if ((status.st_mode & 077) != 0)
    return fail(Errc::unauthenticated,
                "Others can read " + path.string() + ", which holds a login; chmod 600 it");
  auto text = read_file(path);
  if (!text) return fail(Errc::unauthenticated, text.error().detail);
  auto login = wire::decode_saved_login(*text);
  if (!login)
    return fail(Errc::unauthenticated,
                path.string() + " can't be understood; log in again: tandem login");
  return std::optional(std::move(*login));
}

Result<void> write_saved_login(const wire::SavedLogin& login) {
  const auto lock = take_lock();
  if (!lock) return lock.error();
  return write_login(login);
}

Result<void> remove_saved_login() {
  const auto lock = take_lock();
  if (!lock) return lock.error();
  if (::unlink(place().c_str()) != 0 && errno != ENOENT) return trouble(place());
  return {};
}

Result<std::string> saved_access_token(net::HttpClient& http, const std::string& refused) {
  auto saved = read_saved_login();
  if (!saved) return saved.error();
  if (*saved && is_good(**saved, refused)) return (*saved)->access_token;
  const auto lock = take_lock();
  if (!lock) return lock.error();
  saved = read_saved_login();  // another command may have renewed it, or logged out
  if (!saved) return saved.error();
  if (!*saved) return fail(Errc::unauthenticated, "You have logged out; log in: tandem login");
  if (is_good(**saved, refused)) return (*saved)->access_token;
  const auto fresh = renewed(http, **saved);
  if (!fresh) return fresh.error();
  if (auto written = write_login(*fresh); !written) return written.error();
  return fresh->access_token;
}

Result<wire::SavedLogin> login_of(std::string server, std::string client_id,
                                  const std::string& answer) {
  auto tokens = wire::decode_token_answer(answer);
  if (!tokens) return tokens.error();
  return wire::SavedLogin{.server = std::move(server),
                          .client_id = std::move(client_id),
                          .refresh_token = std::move(tokens->refresh_token),
                          .access_token = std::move(tokens->access_token),
                          .access_expires_at = SystemClock().wall() + tokens->expires_in_s * 1000};
}

}  // namespace tandem::app::cli
