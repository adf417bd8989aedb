#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/task.h"

// Reads answers of a service that may say less or more than we know: what is missing or of another
// kind is as absent.
namespace tandem::wire::loose {

using Object = boost::json::object;

std::string text(const Object& object, std::string_view name);  // numbers as their text; else empty
std::int64_t integer(const Object& object, std::string_view name, std::int64_t otherwise);
std::optional<int> maybe_int(const Object& object, std::string_view name);
bool flag(const Object& object, std::string_view name);
std::optional<std::int64_t> seconds(const Object& object, std::string_view name);  // in ms
std::optional<WallTime> time(const Object& object, std::string_view name);
const Object* object(const Object& object, std::string_view name);             // null: none
const boost::json::array* array(const Object& object, std::string_view name);  // null: none
std::vector<std::string> names(const Object& object, std::string_view name);
std::map<std::string, std::string> text_map(const Object& object, std::string_view name);
std::vector<FileInfo> files(const Object& object, std::string_view name);
Progress progress(const Object& object);
InputRequest input_request(const Object& object);

}  // namespace tandem::wire::loose
