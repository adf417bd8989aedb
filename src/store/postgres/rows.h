#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/id.h"

struct pg_result;

namespace tandem::store::postgres {

// What a statement answered, in PostgreSQL's binary form. Texts are borrowed from it.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result) {}

  int size() const;
  std::string_view command() const;  // such as COMMIT
  bool is_null(int row, int column) const;
  std::int64_t number(int row, int column) const;     // any whole number, or a truth value
  std::string_view bytes(int row, int column) const;  // empty where it is null
  Uuid id(int row, int column) const;                 // nil where it is null
  WallTime time(int row, int column) const { return {number(row, column)}; }
  std::optional<WallTime> optional_time(int row, int column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

// One row, for those who read a row at a time.
class Row {
 public:
  Row(const Rows& rows, int number) : rows_(rows), number_(number) {}
  bool is_null(int column) const { return rows_.is_null(number_, column); }
  std::int64_t number(int column) const { return rows_.number(number_, column); }
  std::string_view bytes(int column) const { return rows_.bytes(number_, column); }
  Uuid id(int column) const { return rows_.id(number_, column); }
  WallTime time(int column) const { return rows_.time(number_, column); }
  std::optional<WallTime> optional_time(int column) const {
    return rows_.optional_time(number_, column);
  }

 private:
  const Rows& rows_;
  int number_;
};

}  // namespace tandem::store::postgres
