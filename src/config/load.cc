#include "config/load.h"

#include <string.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <thread>

#include "auth/jwt_secret.h"
#include "config/edit_distance.h"
#include "config/table.h"

extern char** environ;

namespace tandem::config {
namespace {

std::string_view nearest(std::string_view name, std::string_view Row::*column) {
  std::string_view best;
  std::size_t best_distance = SIZE_MAX;
  for (const Row& row : settings_table()) {
    if ((row.*column).empty()) continue;
    const std::size_t distance = edit_distance(name.substr(0, 64), row.*column);
    if (distance < best_distance) {
      best_distance = distance;
      best = row.*column;
    }
  }
  return best;
}

bool is_known(std::string_view name, std::string_view Row::*column) {
  const auto table = settings_table();
  return std::any_of(table.begin(), table.end(),
                     [&](const Row& row) { return row.*column == name; });
}

class Loader {
 public:
  Loader(const Environment& environment, const Flags& flags)
      : environment_(environment), flags_(flags) {}

  Reading run() {
    check_names();
    for (const Row& row : settings_table()) apply(row);
    check_together();
    return Reading{std::move(settings_), std::move(violations_), std::move(refused_)};
  }

 private:
  void complain(std::string sentence) { violations_.sentences.push_back(std::move(sentence)); }

  void check_names() {
    std::set<std::string_view> seen;
    for (const auto& [name, value] : environment_) {
      const bool ours = name.starts_with("TANDEM_") || name == "TASK_ASSIGNMENT_MODE";
      if (!ours || is_job_variable(name)) continue;
      if (!seen.insert(name).second) complain(name + " is set more than once.");
      if (!is_known(name, &Row::env))
        complain(name + " is not a setting; did you mean " + std::string(nearest(name, &Row::env)) +
                 "?");
    }
    for (const auto& [name, value] : flags_)
      if (name.empty() || !is_known(name, &Row::flag))
        complain("--" + name + " is not a setting; did you mean --" +
                 std::string(nearest(name, &Row::flag)) + "?");
  }

  void apply(const Row& row) {
    std::string source(row.env);
    std::string_view value;
    for (const auto& [name, text] : environment_)
      if (name == row.env && !text.empty()) value = text;
    if (const auto flag = flags_.find(std::string(row.flag));
        !row.flag.empty() && flag != flags_.end() && !flag->second.empty()) {
      value = flag->second;
      source = "--" + std::string(row.flag);
    }
    if (value.empty()) value = row.default_value;
    std::string cores;
    if (value == "auto" && row.unit == Unit::count) {
      cores = std::to_string(std::clamp(std::thread::hardware_concurrency(), 1u, 1000u));
      value = cores;
    }
    if (value.empty()) return;
    const std::string fault = row.apply(row, value, settings_);
    if (fault.empty()) return;
    complain(source + " " + fault + shown(row, value) + ".");
    refused_.insert(row.env);
    // So that check_together() tells of no contradiction that only this fault made.
    if (!row.default_value.empty()) row.apply(row, row.default_value, settings_);
  }

  // A URL may hold a password.
  static std::string shown(const Row& row, std::string_view value) {
    if (row.unit == Unit::secret || row.unit == Unit::url) return {};
    return ", not '" + std::string(value.substr(0, 80)) + "'";
  }

  void check_together() {
    if (settings_.tls_cert.empty() != settings_.tls_key.empty())
      complain("TANDEM_TLS_CERT and TANDEM_TLS_KEY must be set together.");
    if (!refused_.contains("TANDEM_UPSTREAM_CONFIG_URL") &&
        settings_.upstream_config_url.empty() != settings_.upstream_token.empty())
      complain("TANDEM_UPSTREAM_CONFIG_URL and TANDEM_UPSTREAM_TOKEN must be set together.");
    if (settings_.heartbeat_ms * 2 > settings_.lease_ms)
      complain("TANDEM_HEARTBEAT_S must be at most half of TANDEM_LEASE_S.");
    // Set to nothing is most likely a variable that was not filled in: never a reason to go on.
    for (const auto& [name, text] : environment_)
      if (name == "TANDEM_JWT_SECRET" && text.empty())
        complain("TANDEM_JWT_SECRET is set, but empty; unset it to have a secret made.");
    check_secret("TANDEM_JWT_SECRET", settings_.jwt_secret);
    check_secret("TANDEM_JWT_SECRET_PREVIOUS", settings_.jwt_secret_previous);
    if (!settings_.jwt_secret.empty() && settings_.jwt_secret == settings_.jwt_secret_previous)
      complain("TANDEM_JWT_SECRET_PREVIOUS must differ from TANDEM_JWT_SECRET.");
    if (settings_.refresh_token_ttl_ms < settings_.access_token_ttl_ms)
      complain("TANDEM_REFRESH_TOKEN_TTL_S must not be less than TANDEM_ACCESS_TOKEN_TTL_S.");
  }

  void check_secret(std::string_view name, std::string_view secret) {
    if (secret.empty()) return;
    if (const std::string weakness = auth::weakness_of(secret); !weakness.empty())
      complain(std::string(name) + " " + weakness + ".");
  }

  const Environment& environment_;
  const Flags& flags_;
  Settings settings_;
  Violations violations_;
  std::set<std::string_view> refused_;
};

}  // namespace

void throw_exception_from_error(const Violations& violations, const boost::source_location&) {
  std::string text;
  for (const std::string& sentence : violations.sentences) text += sentence + "\n";
  throw std::runtime_error(text);
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

std::string raw_setting(std::string_view env, const Environment& environment, const Flags& flags) {
  std::string value;
  for (const auto& [name, text] : environment)
    if (name == env) value = text;
  for (const Row& row : settings_table()) {
    const auto flag = flags.find(std::string(row.flag));
    if (row.env == env && flag != flags.end() && !flag->second.empty()) value = flag->second;
  }
  return value;
}

void wipe_secrets(std::span<const std::string> variables) {
  const auto is_secret = [&](std::string_view name) {
    const auto table = settings_table();
    return std::any_of(
               table.begin(), table.end(),
               [&](const Row& row) { return row.unit == Unit::secret && row.env == name; }) ||
           name == "TANDEM_DATABASE_URL" || name == "TANDEM_LOGS_URL" ||  // with a password
           std::find(variables.begin(), variables.end(), name) != variables.end();
  };
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    char* equals = std::strchr(*entry, '=');
    if (equals != nullptr && is_secret({*entry, static_cast<std::size_t>(equals - *entry)}))
      ::explicit_bzero(equals + 1, std::strlen(equals + 1));
  }
}

Reading read(const Environment& environment, const Flags& flags) {
  return Loader(environment, flags).run();
}

Loaded<Settings> load(const Environment& environment, const Flags& flags) {
  Reading reading = read(environment, flags);
  if (!reading.violations.sentences.empty()) return std::move(reading.violations);
  return std::move(reading.settings);
}

}  // namespace tandem::config
