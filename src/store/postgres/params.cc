#include "store/postgres/params.h"

#include <utility>

namespace tandem::store::postgres {
namespace {

// Dimensions, whether there are nulls, type, number of elements, number of the first one.
constexpr std::size_t kArrayHeaderBytes = 20;

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift));
}

void set_number(std::string& out, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) out[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

int width_of(Type type) {
  switch (type) {
    case Type::boolean: return 1;
    case Type::smallint: return 2;
    case Type::integer: return 4;
    default: return 8;
  }
}

std::string_view bytes_of(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

std::string number_text(std::int64_t value, int bytes) {
  std::string text;
  put_number(text, static_cast<std::uint64_t>(value), bytes);
  return text;
}

}  // namespace

Column::Column(Type type) : type_(type), bytes_(kArrayHeaderBytes, '\0') {}

void Column::null() {
  put_number(bytes_, 0xffffffff, 4);
  has_null_ = true;
  ++count_;
}

void Column::number(std::int64_t value) {
  const int width = width_of(type_);
  put_number(bytes_, static_cast<std::uint64_t>(width), 4);
  put_number(bytes_, static_cast<std::uint64_t>(value), width);
  ++count_;
}

void Column::bytes(std::string_view value) {
  put_number(bytes_, value.size(), 4);
  bytes_.append(value);
  ++count_;
}

void Column::id(const Uuid& value) { bytes(bytes_of(value)); }

std::string Column::take() {
  set_number(bytes_, 0, 1);
  set_number(bytes_, 4, has_null_ ? 1 : 0);
  set_number(bytes_, 8, static_cast<std::uint32_t>(type_));
  set_number(bytes_, 12, count_);
  set_number(bytes_, 16, 1);
  count_ = 0;
  has_null_ = false;
  return std::exchange(bytes_, std::string(kArrayHeaderBytes, '\0'));
}

Params& Params::null() {
  values_.emplace_back();
  return *this;
}

Params& Params::boolean(bool value) {
  values_.emplace_back(number_text(value ? 1 : 0, 1));
  return *this;
}

Params& Params::smallint(std::int16_t value) {
  values_.emplace_back(number_text(value, 2));
  return *this;
}

Params& Params::integer(std::int32_t value) {
  values_.emplace_back(number_text(value, 4));
  return *this;
}

Params& Params::bigint(std::int64_t value) {
  values_.emplace_back(number_text(value, 8));
  return *this;
}

Params& Params::bytes(std::string_view value) {
  values_.emplace_back(std::string(value));
  return *this;
}

Params& Params::id(const Uuid& value) { return bytes(bytes_of(value)); }

Params& Params::column(Column& column) {
  values_.emplace_back(column.take());
  return *this;
}

}  // namespace tandem::store::postgres
