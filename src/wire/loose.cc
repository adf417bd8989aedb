#include "wire/loose.h"

#include <cmath>

#include "base/limits.h"
#include "wire/json.h"

namespace tandem::wire::loose {

namespace json = boost::json;

std::string text(const Object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return {};
  if (const json::string* string = value->if_string()) return std::string(view(*string));
  if (value->is_int64()) return std::to_string(value->get_int64());
  if (value->is_uint64()) return std::to_string(value->get_uint64());
  return {};
}

std::int64_t integer(const Object& object, std::string_view name, std::int64_t otherwise) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : otherwise;
}

std::optional<int> maybe_int(const Object& object, std::string_view name) {
  const std::int64_t number = integer(object, name, INT64_MIN);
  if (number < INT32_MIN || number > INT32_MAX) return std::nullopt;
  return static_cast<int>(number);
}

bool flag(const Object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::optional<std::int64_t> seconds(const Object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double ms = value->to_number<double>() * 1000.0;
  if (!(ms >= 0 && ms <= static_cast<double>(limits::kMaxDurationMs))) return std::nullopt;
  return std::llround(ms);
}

std::optional<WallTime> time(const Object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return parse_rfc3339(view(value->get_string()));
}

const Object* object(const Object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* array(const Object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_array();
}

std::vector<std::string> names(const Object& object, std::string_view name) {
  std::vector<std::string> result;
  if (const json::array* values = array(object, name))
    for (const json::value& value : *values)
      if (const json::string* string = value.if_string()) result.emplace_back(view(*string));
  return result;
}

std::map<std::string, std::string> text_map(const Object& object, std::string_view name) {
  std::map<std::string, std::string> result;
  if (const Object* values = loose::object(object, name))
    for (const auto& member : *values)
      if (const json::string* string = member.value().if_string())
        result.emplace(std::string_view(member.key().data(), member.key().size()), view(*string));
  return result;
}

std::vector<FileInfo> files(const Object& object, std::string_view name) {
  std::vector<FileInfo> result;
  const json::array* values = array(object, name);
  if (values == nullptr) return result;
  for (const json::value& value : *values) {
    const Object* file = value.if_object();
    if (file == nullptr) continue;
    FileInfo info;
    info.name = text(*file, "name");
    info.size_bytes = static_cast<std::uint64_t>(integer(*file, "size_bytes", 0));
    info.sha256 = text(*file, "sha256");
    info.content_type = text(*file, "content_type");
    result.push_back(std::move(info));
  }
  return result;
}

Progress progress(const Object& object) {
  Progress result;
  const json::value* percent = object.if_contains("percent");
  if (percent != nullptr && percent->is_number()) result.percent = percent->to_number<double>();
  result.message = text(object, "message");
  return result;
}

InputRequest input_request(const Object& object) {
  InputRequest request;
  request.request_id = text(object, "request_id");
  request.prompt = text(object, "prompt");
  request.password = flag(object, "password");
  request.asked_at = time(object, "asked_at").value_or(WallTime{});
  return request;
}

}  // namespace tandem::wire::loose
