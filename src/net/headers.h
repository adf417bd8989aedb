#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::net {

// Header fields in the order they came. Names compare without regard to case.
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  // The first value, if any.
  const std::string* find(std::string_view name) const;
  std::string_view get(std::string_view name) const;  // empty where absent
  std::size_t count(std::string_view name) const;
  bool has_token(std::string_view name, std::string_view token) const;  // in a comma-separated list
  void add(std::string name, std::string value);
  void set(std::string_view name, std::string value);  // replaces all of that name
  void remove(std::string_view name);
  void clear() { fields_.clear(); }
  const std::vector<Field>& fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

bool same_name(std::string_view a, std::string_view b);  // ASCII, without regard to case
std::string_view trimmed(std::string_view text);         // of blanks and tabs at its ends

}  // namespace tandem::net
