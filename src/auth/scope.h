#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::auth {

enum class Scope : std::uint8_t { admin, tasks, workers };

// A set of scopes; written sorted and separated by one space: "admin tasks workers".
class ScopeSet {
 public:
  constexpr ScopeSet() = default;
  constexpr ScopeSet(std::initializer_list<Scope> scopes) {
    for (Scope scope : scopes) insert(scope);
  }
  // Any order, separated by single spaces. Nothing where a name is unknown, doubled or missing.
  static std::optional<ScopeSet> parse(std::string_view text);

  constexpr void insert(Scope scope) { bits_ |= 1u << static_cast<unsigned>(scope); }
  constexpr bool contains(Scope scope) const {
    return (bits_ >> static_cast<unsigned>(scope) & 1u) != 0;
  }
  constexpr bool contains_all(ScopeSet other) const { return (bits_ & other.bits_) == other.bits_; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const ScopeSet&) const = default;
  std::string text() const;

 private:
  std::uint8_t bits_ = 0;
};

}  // namespace tandem::auth
