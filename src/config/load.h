#pragma once

#include <boost/system/result.hpp>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace tandem::config {

// Each a sentence for the operator that names the variable or flag; never a secret's value.
struct Violations {
  std::vector<std::string> sentences;
};
[[noreturn]] void throw_exception_from_error(const Violations& violations,
                                             const boost::source_location& where);

template <class T>
using Loaded = boost::system::result<T, Violations>;

using Environment = std::vector<std::pair<std::string, std::string>>;  // may hold doubles
using Flags = std::map<std::string, std::string>;  // by flag without dashes: "data-dir"

// The process's environment. Not thread-safe against setenv.
Environment process_environment();

// What environment and flags say. Where a value was refused, its setting has the default.
struct Reading {
  Settings settings;
  Violations violations;
  std::set<std::string_view> refused;  // by variable: TANDEM_LEASE_S
};

// A flag wins over the environment, which wins over the default. All violations at once: values
// out of bounds, settings that contradict each other, unknown or doubled TANDEM_* variables
// (naming the nearest known one), unknown flags. An empty value is as none, but for
// TANDEM_JWT_SECRET, where it is a violation.
Reading read(const Environment& environment, const Flags& flags);
// As read(), where violations leave no settings.
Loaded<Settings> load(const Environment& environment, const Flags& flags);

// What flag or environment say of the setting with the variable `env`, unchecked: for what must be
// looked at although other settings are wrong. Empty: nothing.
std::string raw_setting(std::string_view env, const Environment& environment, const Flags& flags);

// Overwrites the values of secrets in this process's environment, where a job of the same user
// could read them: settings that are secrets, and the variables named. Not thread-safe.
void wipe_secrets(std::span<const std::string> variables);

}  // namespace tandem::config
