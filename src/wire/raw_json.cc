#include "wire/raw_json.h"

#include "wire/json.h"

namespace tandem::wire {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Walks over a text that is known to be valid; every step is bounded by its end all the same.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  char peek() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  // The text of the value that stands here.
  std::string_view value() {
    const char first = peek();
    const std::size_t begin = at_;
    if (first == '"') {
      skip_string();
    } else if (first == '{' || first == '[') {
      skip_structure();
    } else {
      while (at_ < text_.size() && !ends_scalar(text_[at_])) ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  static bool ends_scalar(char c) { return c == ',' || c == ']' || c == '}' || is_blank(c); }
  void skip_string() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return;
      }
    }
    at_ = text_.size();
  }
  void skip_structure() {
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string unescape(std::string_view quoted) {
  const std::string_view inner = quoted.substr(1, quoted.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return std::string(inner);
  Document document;
  if (!document.parse(quoted) || !document.root().is_string()) return {};
  return std::string(view(document.root().get_string()));
}

bool is_string(std::string_view value) { return value.size() >= 2 && value.front() == '"'; }

// Calls found(key, value) for each member until it answers true.
template <class Found>
void walk_members(std::string_view object, Found found) {
  Walker walker(object);
  if (!walker.take('{') || walker.peek() == '}') return;
  do {
    const std::string_view key = walker.value();
    if (!is_string(key) || !walker.take(':')) return;
    if (found(key, walker.value())) return;
  } while (walker.take(','));
}

}  // namespace

Result<void> check_json(std::string_view text) {
  Document document;
  return document.parse(text);
}

std::optional<std::string_view> raw_member(std::string_view object, std::string_view key) {
  std::optional<std::string_view> answer;
  walk_members(object, [&](std::string_view quoted, std::string_view value) {
    const std::string_view inner = quoted.substr(1, quoted.size() - 2);
    const bool escaped = inner.find('\\') != std::string_view::npos;
    if (escaped ? unescape(quoted) != key : inner != key) return false;
    answer = value;
    return true;
  });
  return answer;
}

std::vector<std::string_view> raw_elements(std::string_view array) {
  std::vector<std::string_view> elements;
  Walker walker(array);
  if (!walker.take('[') || walker.peek() == ']') return elements;
  do {
    elements.push_back(walker.value());
  } while (walker.take(','));
  return elements;
}

std::vector<std::pair<std::string, std::string_view>> raw_members(std::string_view object) {
  std::vector<std::pair<std::string, std::string_view>> members;
  walk_members(object, [&](std::string_view quoted, std::string_view value) {
    members.emplace_back(unescape(quoted), value);
    return false;
  });
  return members;
}

std::optional<std::string> raw_string(std::string_view value) {
  if (!is_string(value)) return std::nullopt;
  return unescape(value);
}

std::optional<std::int64_t> raw_integer(std::string_view value) {
  Document document;
  if (!document.parse(value) || !document.root().is_int64()) return std::nullopt;
  return document.root().get_int64();
}

std::optional<double> raw_number(std::string_view value) {
  Document document;
  if (!document.parse(value) || !document.root().is_number()) return std::nullopt;
  return document.root().to_number<double>();
}

std::optional<bool> raw_bool(std::string_view value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return std::nullopt;
}

std::string string_member(std::string_view object, std::string_view key) {
  const auto value = raw_member(object, key);
  if (!value) return {};
  return raw_string(*value).value_or(std::string());
}

void append_compact(std::string& out, std::string_view text) {
  bool quoted = false;
  std::size_t run = 0;  // where the text that was not copied yet begins
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (is_blank(c)) {
      out.append(text, run, i - run);
      run = i + 1;
    }
  }
  if (run < text.size()) out.append(text, run);
}

}  // namespace tandem::wire
