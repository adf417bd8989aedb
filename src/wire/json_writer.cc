#include "wire/json_writer.h"

#include <charconv>
#include <cmath>

#include "base/encoding.h"

namespace tandem::wire {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  const char code[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
  out.append(code, sizeof code);
}

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

// Each byte that starts no valid sequence becomes U+FFFD.
std::string mended(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < 4 && length < text.size() && !is_utf8(text.substr(0, length))) ++length;
    if (is_utf8(text.substr(0, length))) {
      out.append(text, 0, length);
    } else {
      length = 1;
      out += "\xEF\xBF\xBD";
    }
    text.remove_prefix(length);
  }
  return out;
}

template <class Number>
void append_chars(std::string& out, Number number) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  unsigned char any = 0;
  for (const char c : text) any |= static_cast<unsigned char>(c);
  std::string mended_text;
  if (any >= 0x80 && !is_utf8(text)) {
    mended_text = mended(text);
    text = mended_text;
  }
  out.push_back('"');
  std::size_t run = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i])) continue;
    out.append(text, run, i - run);
    append_escape(out, text[i]);
    run = i + 1;
  }
  out.append(text, run);
  out.push_back('"');
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_.push_back(bracket);
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_.push_back(bracket);
  comma_ = true;
  return *this;
}

void JsonWriter::separate() {
  if (comma_) out_.push_back(',');
  comma_ = true;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  if (comma_) out_.push_back(',');
  comma_ = false;
  out_.push_back('"');
  out_.append(name);
  out_.append("\":", 2);
  return *this;
}

JsonWriter& JsonWriter::key_of(std::string_view name) {
  if (comma_) out_.push_back(',');
  comma_ = false;
  append_json_string(out_, name);
  out_.push_back(':');
  return *this;
}

JsonWriter& JsonWriter::text_map(const std::map<std::string, std::string>& map) {
  begin_object();
  for (const auto& [name, value] : map) key_of(name).string(value);
  return end_object();
}

JsonWriter& JsonWriter::text_list(const std::vector<std::string>& list) {
  begin_array();
  for (const std::string& text : list) string(text);
  return end_array();
}

JsonWriter& JsonWriter::string(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::string_or_null(std::string_view text) {
  return text.empty() ? null() : string(text);
}

JsonWriter& JsonWriter::integer(std::int64_t number) {
  separate();
  append_chars(out_, number);
  return *this;
}

JsonWriter& JsonWriter::number(double number) {
  if (!std::isfinite(number)) return null();
  separate();
  append_chars(out_, number);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool flag) { return raw(flag ? "true" : "false"); }
JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

JsonWriter& JsonWriter::raw_or_null(std::string_view json) {
  return json.empty() ? null() : raw(json);
}

JsonWriter& JsonWriter::seconds(std::int64_t ms) {
  if (ms % 1000 == 0) return integer(ms / 1000);
  return number(static_cast<double>(ms) / 1000.0);
}

JsonWriter& JsonWriter::seconds_or_null(const std::optional<std::int64_t>& ms) {
  return ms ? seconds(*ms) : null();
}

JsonWriter& JsonWriter::time(WallTime time) {
  separate();
  out_.push_back('"');
  out_.append(to_rfc3339(time));
  out_.push_back('"');
  return *this;
}

JsonWriter& JsonWriter::time_or_null(const std::optional<WallTime>& moment) {
  return moment ? time(*moment) : null();
}

JsonWriter& JsonWriter::id(const Uuid& id) {
  separate();
  char text[38];
  char* at = text;
  *at++ = '"';
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = kHex[id.bytes[i] >> 4];
    *at++ = kHex[id.bytes[i] & 15];
  }
  *at++ = '"';
  out_.append(text, at);
  return *this;
}

JsonWriter& JsonWriter::id_or_null(const Uuid& value) {
  return value.is_nil() ? null() : id(value);
}

JsonWriter& JsonWriter::integer_or_null(const std::optional<int>& number) {
  return number ? integer(*number) : null();
}

}  // namespace tandem::wire
