#include "net/request.h"

#include "base/encoding.h"

namespace tandem::net {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { literal, blank };

bool decode(std::string_view text, Plus plus, std::string& out) {
  bool beyond_ascii = false;
  out.clear();
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      if (c == '\0') return false;
      i += 2;
    } else if (c == '+' && plus == Plus::blank) {
      c = ' ';
    }
    beyond_ascii |= static_cast<unsigned char>(c) >= 0x80;
    out.push_back(c);
  }
  return !beyond_ascii || is_utf8(out);
}

bool parse_path(std::string_view text, Target& target) {
  if (text.empty() || text.front() != '/') return false;
  std::string_view rest = text.substr(1);
  std::string segment;
  while (true) {
    const std::size_t slash = rest.find('/');
    if (!decode(rest.substr(0, slash), Plus::literal, segment)) return false;
    target.path += '/';
    target.path += segment;
    target.segments.push_back(std::move(segment));
    segment.clear();
    if (slash == std::string_view::npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

bool parse_query(std::string_view rest, Query& query) {
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view item = rest.substr(0, end);
    if (!item.empty()) {
      const std::size_t equals = item.find('=');
      std::string name, value;
      if (!decode(item.substr(0, equals), Plus::blank, name)) return false;
      if (equals != std::string_view::npos && !decode(item.substr(equals + 1), Plus::blank, value))
        return false;
      query.add(std::move(name), std::move(value));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return true;
}

// The path of http://host/path; what is no such URL is left alone.
std::string_view without_authority(std::string_view text) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!same_name(text.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = text.substr(scheme.size());
    const std::size_t path = rest.find_first_of("/?");
    if (path == 0) return {};
    if (path == std::string_view::npos) return "/";
    return rest[path] == '/' ? rest.substr(path) : std::string_view{};
  }
  return text;
}

}  // namespace

const std::string* Query::find(std::string_view name) const {
  for (const Item& item : items_)
    if (item.first == name) return &item.second;
  return nullptr;
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Item& item : items_)
    if (item.first == name) values.push_back(item.second);
  return values;
}

void Query::add(std::string name, std::string value) {
  items_.emplace_back(std::move(name), std::move(value));
}

std::optional<Target> parse_target(std::string_view text) {
  for (const char c : text)
    if (c <= 0x20 || c == 0x7f || c == '#' || c == '\\' || static_cast<unsigned char>(c) >= 0x80)
      return std::nullopt;
  text = without_authority(text);
  const std::size_t mark = text.find('?');
  std::optional<Target> target(std::in_place);
  if (!parse_path(text.substr(0, mark), *target)) return std::nullopt;
  if (mark != std::string_view::npos && !parse_query(text.substr(mark + 1), target->query))
    return std::nullopt;
  target->raw = text;
  return target;
}

bool RequestHead::wants_websocket() const { return headers.has_token("upgrade", "websocket"); }

}  // namespace tandem::net
