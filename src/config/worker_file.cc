#include "config/worker_file.h"

#include <pwd.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>

#include "base/limits.h"

namespace tandem::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMinSecretBytes = 4;  // shorter ones would blacken half of every log
constexpr std::size_t kMaxFileBytes = 4 << 20;

struct LimitRow {
  std::string_view name;
  std::optional<std::uint64_t> JobLimits::*member;
  std::uint64_t min, max;
};
constexpr std::array kLimits = {
    LimitRow{"memory_bytes", &JobLimits::memory_bytes, 4 << 20, 1ull << 46},
    LimitRow{"processes", &JobLimits::processes, 1, 4'000'000},
    LimitRow{"cpu_s", &JobLimits::cpu_s, 1, limits::kMaxDurationMs / 1000},
    LimitRow{"open_files", &JobLimits::open_files, 16, 1'000'000},
    LimitRow{"file_bytes", &JobLimits::file_bytes, 1, 1ull << 46},
    LimitRow{"log_bytes", &JobLimits::log_bytes, 1, limits::kMaxLogBytesPerAttempt},
    LimitRow{"output_bytes", &JobLimits::output_bytes, 0, limits::kMaxOutputBytes},
};
constexpr std::array<std::string_view, 5> kRuleKeys = {"timeout_s", "env", "limits", "isolation",
                                                       "secrets"};

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// The operator may set what a task may not, such as PATH, but not what tells the job who it is.
bool is_variable(std::string_view name) {
  const auto letter = [](char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  return !name.empty() && name.size() <= limits::kMaxLabelBytes && letter(name[0]) &&
         !name.starts_with("TANDEM_") && std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || (c >= '0' && c <= '9');
         });
}

std::optional<JobUser> find_user(const std::string& name) {
  passwd entry{};
  passwd* found = nullptr;
  std::string buffer(16 * 1024, '\0');
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
    return std::nullopt;
  return JobUser{name, found->pw_uid, found->pw_gid};
}

bool is_program(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

class Reader {
 public:
  Reader(const std::string& path, const Environment& environment)
      : path_(path), environment_(environment) {}

  Loaded<WorkerFile> read(std::string_view text) {
    try {
      read_top(toml::parse(text, path_));
    } catch (const toml::parse_error& error) {
      complain(error.source(), std::string(error.description()) + " (this is not TOML)");
    }
    if (!violations_.sentences.empty()) return std::move(violations_);
    return std::move(file_);
  }

 private:
  using Table = toml::table;

  void complain(const toml::source_region& where, const std::string& what) {
    violations_.sentences.push_back(path_ + ":" + std::to_string(where.begin.line) + ": " + what +
                                    ".");
  }
  void complain(const toml::node& node, const std::string& what) { complain(node.source(), what); }

  // The table there, or nothing after a complaint.
  const Table* table_of(const toml::node& node, const std::string& name) {
    if (!node.is_table()) complain(node, name + " must be a table");
    return node.as_table();
  }

  void check_keys(const Table& table, const std::string& name,
                  std::span<const std::string_view> known) {
    std::string list;
    for (const std::string_view key : known) list.append(list.empty() ? "" : ", ").append(key);
    for (const auto& [key, node] : table)
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        complain(key.source(), (name.empty() ? "The file" : name) + " has no key \"" +
                                   std::string(key.str()) + "\"; there are: " + list);
  }

  // Not first: defaults may stand at the file's end.
  void read_top(const Table& top) {
    constexpr std::array<std::string_view, 2> kKeys = {"defaults", "handlers"};
    check_keys(top, "", kKeys);
    if (const toml::node* node = top.get("defaults"))
      if (const Table* table = table_of(*node, "defaults")) {
        check_keys(*table, "defaults", kRuleKeys);
        read_rules(*table, "defaults", file_.defaults);
      }
    const toml::node* node = top.get("handlers");
    const Table* handlers = node ? table_of(*node, "handlers") : nullptr;
    if (handlers == nullptr) return;
    for (const auto& [key, entry] : *handlers) read_handler(std::string(key.str()), entry);
  }

  void read_handler(const std::string& job_type, const toml::node& node) {
    const std::string name = "handlers." + job_type;
    if (job_type.empty() || job_type.size() > limits::kMaxNameBytes)
      complain(node, "A job type has 1 to 128 bytes, unlike \"" + job_type + "\"");
    const Table* table = table_of(node, name);
    if (table == nullptr) return;
    std::array<std::string_view, kRuleKeys.size() + 1> keys = {"command"};
    std::copy(kRuleKeys.begin(), kRuleKeys.end(), keys.begin() + 1);
    check_keys(*table, name, keys);
    HandlerEntry& entry = file_.handlers[job_type];
    entry.rules = file_.defaults;
    if (const toml::node* command = table->get("command")) read_command(*command, name, entry);
    read_rules(*table, name, entry.rules);
  }

  void read_command(const toml::node& node, const std::string& name, HandlerEntry& entry) {
    const toml::array* list = node.as_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i)
      if (const auto* text = (*list)[i].as_string(); text && !has_nul(text->get()))
        entry.command.push_back(text->get());
    if (list == nullptr || list->empty() || entry.command.size() != list->size())
      return complain(node, name + R"(.command must be a list of texts, such as ["/bin/echo"])");
    std::string& program = entry.command[0];
    if (program.find('/') == std::string::npos && !program.empty()) return;  // looked for in PATH
    program = beside(program);
    if (!is_program(program))
      complain(node, name + ".command: " + program + " is not an executable file here");
  }

  std::string beside(const std::string& path) const {
    std::error_code error;
    return (fs::absolute(path_, error).parent_path() / path).lexically_normal().string();
  }

  void read_rules(const Table& table, const std::string& name, JobRules& rules) {
    if (const toml::node* node = table.get("timeout_s")) read_timeout(*node, name, rules);
    const auto part = [&](const char* key, auto read_part) {
      const toml::node* node = table.get(key);
      const std::string part_name = name + "." + key;
      const Table* members = node ? table_of(*node, part_name) : nullptr;
      if (members != nullptr) (this->*read_part)(*members, part_name, rules);
    };
    part("env", &Reader::read_env);
    part("limits", &Reader::read_limits);
    part("isolation", &Reader::read_isolation);
    part("secrets", &Reader::read_secrets);
    for (const auto& [variable, secret] : rules.secrets)
      if (rules.env.contains(variable))
        complain(table, name + " has " + variable + " both in env and in secrets");
  }

  void read_timeout(const toml::node& node, const std::string& name, JobRules& rules) {
    constexpr double kMaxS = limits::kMaxDurationMs / 1000.0;
    const std::optional<double> seconds = node.is_number() ? node.value<double>() : std::nullopt;
    if (!seconds || !(*seconds >= 0.001 && *seconds <= kMaxS))
      return complain(node, name + ".timeout_s must be a number of seconds from 0.001 to 366 days");
    rules.timeout_ms = std::llround(*seconds * 1000);
  }

  void read_env(const Table& table, const std::string& name, JobRules& rules) {
    for (const auto& [key, node] : table) {
      const auto* text = node.as_string();
      if (!is_variable(key.str())) {
        bad_variable(node, name, key.str());
      } else if (text == nullptr || has_nul(text->get())) {
        complain(node, name + "." + std::string(key.str()) + " must be a text");
      } else {
        rules.env[std::string(key.str())] = text->get();
      }
    }
  }

  void bad_variable(const toml::node& node, const std::string& name, std::string_view key) {
    complain(node, name + ": \"" + std::string(key) +
                       "\" can't be the name of a variable: letters, digits and _ make one, and "
                       "TANDEM_ is the worker's");
  }

  void read_limits(const Table& table, const std::string& name, JobRules& rules) {
    std::array<std::string_view, kLimits.size()> keys;
    std::transform(kLimits.begin(), kLimits.end(), keys.begin(),
                   [](const LimitRow& row) { return row.name; });
    check_keys(table, name, keys);
    for (const LimitRow& row : kLimits) {
      const toml::node* node = table.get(row.name);
      if (node == nullptr) continue;
      const std::int64_t value = node->is_integer() ? node->as_integer()->get() : -1;
      if (value < 0 || static_cast<std::uint64_t>(value) < row.min ||
          static_cast<std::uint64_t>(value) > row.max)
        complain(*node, name + "." + std::string(row.name) + " must be a whole number from " +
                            std::to_string(row.min) + " to " + std::to_string(row.max));
      else
        rules.limits.*row.member = static_cast<std::uint64_t>(value);
    }
  }

  void read_isolation(const Table& table, const std::string& name, JobRules& rules) {
    constexpr std::array<std::string_view, 2> kKeys = {"user", "network"};
    check_keys(table, name, kKeys);
    if (const toml::node* node = table.get("network")) {
      if (node->is_boolean())
        rules.network = node->as_boolean()->get();
      else
        complain(*node, name + ".network must be true or false");
    }
    const toml::node* node = table.get("user");
    if (node == nullptr) return;
    const auto* user = node->as_string();
    rules.user = user ? find_user(user->get()) : std::nullopt;
    if (!rules.user)
      complain(*node, name + ".user must be the name of a user of this machine");
    else if (::geteuid() != 0 && rules.user->uid != ::geteuid())
      complain(*node, name + ".user: only a worker that runs as root can run jobs as another user");
  }

  void read_secrets(const Table& table, const std::string& name, JobRules& rules) {
    for (const auto& [key, node] : table) {
      const std::string member = name + "." + std::string(key.str());
      if (!is_variable(key.str())) {
        bad_variable(node, name, key.str());
      } else if (const auto value = secret_of(node, member)) {
        rules.secrets[std::string(key.str())] = *value;
      }
    }
  }

  // Never says what it is.
  std::optional<std::string> secret_of(const toml::node& node, const std::string& name) {
    const Table* table = node.as_table();
    const toml::node* variable = table ? table->get("env") : nullptr;
    const toml::node* file = table ? table->get("file") : nullptr;
    const toml::node* source = variable ? variable : file;
    const bool is_sound = table && table->size() == 1 && source && source->is_string();
    if (!is_sound) {
      complain(node, name + R"( must be { env = "VARIABLE" } or { file = "path" })");
      return std::nullopt;
    }
    const std::string& from = source->as_string()->get();
    const auto value = variable ? variable_of(from) : contents_of(beside(from));
    const std::string what = variable ? "the variable " + from : "the file " + beside(from);
    if (!value)
      complain(node, name + ": " + what + (variable ? " is not set" : " can't be read"));
    else if (value->size() < kMinSecretBytes || value->size() > limits::kMaxEnvValueBytes)
      complain(node, name + ": what " + what + " holds must have 4 to 32768 bytes");
    else if (value->find_first_not_of(value->front()) == std::string::npos)
      complain(node, name + ": what " + what + " holds is one character again and again");
    else if (has_nul(*value))
      complain(node, name + ": what " + what + " holds has a NUL byte");
    else
      return value;
    return std::nullopt;
  }

  std::optional<std::string> variable_of(const std::string& name) {
    for (const auto& [variable, value] : environment_) {
      if (variable != name || value.empty()) continue;
      file_.secret_variables.push_back(name);
      return value;
    }
    return std::nullopt;
  }

  // Without the line end that editors leave.
  static std::optional<std::string> contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(limits::kMaxEnvValueBytes + 2, '\0');
    if (!file || !fs::is_regular_file(path)) return std::nullopt;
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
  }

  const std::string& path_;
  const Environment& environment_;
  WorkerFile file_;
  Violations violations_;
};

}  // namespace

Loaded<WorkerFile> parse_worker_file(std::string_view text, const std::string& path,
                                     const Environment& environment) {
  return Reader(path, environment).read(text);
}

Loaded<WorkerFile> read_worker_file(const std::string& path, const Environment& environment) {
  if (path.empty()) return WorkerFile{};
  std::error_code error;
  const bool is_there =
      fs::is_regular_file(path, error) && fs::file_size(path, error) <= kMaxFileBytes;
  std::ifstream file(path, std::ios::binary);
  if (!is_there || !file)
    return Violations{{"TANDEM_WORKER_CONFIG: the file " + path + " can't be read."}};
  std::ostringstream text;
  text << file.rdbuf();
  return parse_worker_file(std::move(text).str(), path, environment);
}

}  // namespace tandem::config
