#include "store/postgres/rows.h"

#include <libpq-fe.h>

#include <cstring>

namespace tandem::store::postgres {

void Rows::Clear::operator()(pg_result* result) const { PQclear(result); }

int Rows::size() const { return PQntuples(result_.get()); }

std::string_view Rows::command() const { return PQcmdStatus(result_.get()); }

bool Rows::is_null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}

std::string_view Rows::bytes(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Rows::number(int row, int column) const {
  const std::string_view digits = bytes(row, column);
  if (digits.empty()) return 0;
  const bool negative = digits.size() > 1 && (static_cast<std::uint8_t>(digits[0]) & 0x80) != 0;
  std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
  for (const char digit : digits) value = value << 8 | static_cast<std::uint8_t>(digit);
  return static_cast<std::int64_t>(value);
}

Uuid Rows::id(int row, int column) const {
  Uuid id;
  const std::string_view value = bytes(row, column);
  if (value.size() == id.bytes.size()) std::memcpy(id.bytes.data(), value.data(), value.size());
  return id;
}

std::optional<WallTime> Rows::optional_time(int row, int column) const {
  if (is_null(row, column)) return std::nullopt;
  return time(row, column);
}

}  // namespace tandem::store::postgres
