#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"

namespace tandem::store::postgres {

// The types of the schema, by their fixed numbers in PostgreSQL.
enum class Type : std::uint32_t {
  boolean = 16,
  bytea = 17,
  bigint = 20,
  smallint = 21,
  integer = 23,
  text = 25,
  uuid = 2950,
};

// One column of a batch: an array in PostgreSQL's binary form. Values must be of its type.
class Column {
 public:
  explicit Column(Type type);
  void null();
  void number(std::int64_t value);  // smallint, integer, bigint, boolean
  void bytes(std::string_view value);
  void bytes_or_null(std::string_view value) { value.empty() ? null() : bytes(value); }
  void id(const Uuid& value);
  void id_or_null(const Uuid& value) { value.is_nil() ? null() : id(value); }
  void time(WallTime value) { number(value.ms); }
  void time(const std::optional<WallTime>& value) { value ? time(*value) : null(); }
  std::string take();  // empties it

 private:
  const Type type_;
  std::string bytes_;
  std::uint32_t count_ = 0;
  bool has_null_ = false;
};

// Parameters of a statement in PostgreSQL's binary form, in the order of $1, $2, …
class Params {
 public:
  Params& null();
  Params& boolean(bool value);
  Params& integer(std::int32_t value);
  Params& smallint(std::int16_t value);
  Params& bigint(std::int64_t value);
  Params& bytes(std::string_view value);
  Params& text(std::string_view value) { return bytes(value); }
  Params& text_or_null(std::string_view value) { return value.empty() ? null() : bytes(value); }
  Params& id(const Uuid& value);
  Params& id_or_null(const Uuid& value) { return value.is_nil() ? null() : id(value); }
  Params& id(const std::optional<ClientId>& value) { return value ? id(*value) : null(); }
  Params& time(WallTime value) { return bigint(value.ms); }
  Params& time(const std::optional<WallTime>& value) { return value ? time(*value) : null(); }
  Params& column(Column& column);

  const std::vector<std::optional<std::string>>& values() const { return values_; }

 private:
  std::vector<std::optional<std::string>> values_;
};

}  // namespace tandem::store::postgres
