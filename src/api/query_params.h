#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/request.h"
#include "wire/decoded.h"

namespace tandem::api {

// Reads the parameters of a query and gathers all that is wrong with them.
class QueryParams {
 public:
  // Parameters that are not among `known` are wrong, as is one that stands twice, but for those in
  // `repeatable`.
  QueryParams(const net::Query& query, std::initializer_list<std::string_view> known,
              std::initializer_list<std::string_view> repeatable = {});

  // Nothing where it is absent or wrong.
  std::optional<std::string> text(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const { return query_.all(name); }
  std::int64_t integer(std::string_view name, std::int64_t fallback, std::int64_t min,
                       std::int64_t max);
  std::int64_t duration_ms(std::string_view name, std::int64_t fallback_ms, std::int64_t max_ms);
  bool flag(std::string_view name);  // true, false, 1, 0 or nothing behind the name
  // The position in a cursor of this list.
  std::optional<std::string> cursor(std::string_view list);

  void wrong(std::string_view name, std::string message);
  bool is_fine() const { return wrong_.empty(); }
  wire::Rejection rejection() const { return wire::reject(wrong_); }

 private:
  const net::Query& query_;
  std::vector<wire::FieldError> wrong_;
};

}  // namespace tandem::api
