#include "auth/scope.h"

#include <array>

namespace tandem::auth {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"admin", "tasks", "workers"};  // sorted

}  // namespace

std::optional<ScopeSet> ScopeSet::parse(std::string_view text) {
  ScopeSet set;
  for (;;) {
    const std::string_view name = text.substr(0, text.find(' '));
    std::size_t index = 0;
    while (index < kNames.size() && kNames[index] != name) ++index;
    if (index == kNames.size() || set.contains(static_cast<Scope>(index))) return std::nullopt;
    set.insert(static_cast<Scope>(index));
    if (name.size() == text.size()) return set;
    text.remove_prefix(name.size() + 1);
  }
}

std::string ScopeSet::text() const {
  std::string out;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (!contains(static_cast<Scope>(i))) continue;
    if (!out.empty()) out += ' ';
    out += kNames[i];
  }
  return out;
}

}  // namespace tandem::auth
