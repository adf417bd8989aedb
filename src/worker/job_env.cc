#include "worker/job_env.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/limits.h"

namespace tandem::worker {
namespace {

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr std::array<const char*, 4> kPassedOn = {"PATH", "LANG", "LC_ALL", "TZ"};

// Names that decide what code a loader, a shell or an interpreter runs.
constexpr std::array<std::string_view, 20> kRefused = {
    "PATH",         "HOME",        "TMPDIR",
    "IFS",          "ENV",         "BASH_ENV",
    "BASHOPTS",     "SHELLOPTS",   "PS4",
    "CDPATH",       "GLOBIGNORE",  "GCONV_PATH",
    "LOCPATH",      "NLSPATH",     "GLIBC_TUNABLES",
    "NODE_OPTIONS", "NODE_PATH",   "JAVA_TOOL_OPTIONS",
    "CLASSPATH",    "OPENSSL_CONF"};
constexpr std::array<std::string_view, 9> kRefusedBeginnings = {
    "LD_", "DYLD_", "TANDEM_", "BASH_FUNC_", "PYTHON", "PERL", "RUBY", "MALLOC_", "GIT_"};

bool is_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return !name.empty() && name.size() <= limits::kMaxLabelBytes && is_letter(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool has_control_character(std::string_view value) {
  return std::any_of(value.begin(), value.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

void pass_on(Environment& env, const std::string& name) {
  if (const char* value = std::getenv(name.c_str())) env[name] = value;
}

}  // namespace

bool may_be_set(std::string_view name) {
  if (std::find(kRefused.begin(), kRefused.end(), name) != kRefused.end()) return false;
  return std::none_of(kRefusedBeginnings.begin(), kRefusedBeginnings.end(),
                      [&](std::string_view start) { return name.starts_with(start); });
}

Result<Environment> make_environment(const Environment& of_task,
                                     const std::vector<std::string>& allow,
                                     const Environment& of_rules) {
  Environment env;
  env["PATH"] = kDefaultPath;
  for (const char* name : kPassedOn) pass_on(env, name);
  for (const std::string& name : allow) pass_on(env, name);
  for (const auto& [name, value] : of_task) {
    if (!is_name(name))
      return fail(Errc::validation_failed,
                  "env has a name that is none: letters, digits and _ make a name.", "env");
    const bool allowed = std::find(allow.begin(), allow.end(), name) != allow.end();
    if (of_rules.contains(name) || (!allowed && !may_be_set(name)))
      return fail(Errc::validation_failed, "A task may not set " + name + " in env.", "env");
    if (value.size() > limits::kMaxEnvValueBytes || has_control_character(value))
      return fail(Errc::validation_failed,
                  "The value of " + name + " in env is too long or has control characters.", "env");
    env[name] = value;
  }
  for (const auto& [name, value] : of_rules) env[name] = value;
  return env;
}

bool is_program(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const std::string& name, const std::string& path) {
  const bool sound = !name.empty() && name.find('\0') == std::string::npos;
  if (sound && name[0] == '/') {
    if (is_program(name)) return name;
    return fail(Errc::validation_failed, name + " is not an executable file here.");
  }
  if (!sound || name.find('/') != std::string::npos)
    return fail(Errc::validation_failed,
                "argv[0] must be an absolute path, or a name to look for in PATH.");
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const std::string candidate = path.substr(at, end - at) + "/" + name;
    if (candidate[0] == '/' && end > at && is_program(candidate)) return candidate;
    at = end + 1;
  }
  return fail(Errc::validation_failed, "There is no program " + name + " in the PATH of jobs.");
}

}  // namespace tandem::worker
