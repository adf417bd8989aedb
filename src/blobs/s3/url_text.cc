#include "blobs/s3/url_text.h"

#include <array>
#include <charconv>
#include <utility>

namespace tandem::blobs {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string unescaped(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kNames = {
      {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};
  std::string out;
  while (!text.empty()) {
    std::size_t taken = 1;
    char c = text.front();
    for (const auto& [name, plain] : kNames)
      if (text.starts_with(name)) {
        c = plain;
        taken = name.size();
      }
    unsigned code = 0;  // &#39; and &#34;, as some write them
    if (const std::size_t end = text.find(';'); text.starts_with("&#") && end < 6) {
      std::from_chars(text.data() + 2, text.data() + end, code);
      if (code > 0 && code < 128) {
        c = static_cast<char>(code);
        taken = end + 1;
      }
    }
    out += c;
    text.remove_prefix(taken);
  }
  return out;
}

}  // namespace

std::string percent_encoded(std::string_view text, bool keep_slashes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_plain(c) || (c == '/' && keep_slashes)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned char byte = 0;
    if (i + 2 >= text.size()) return std::nullopt;
    const char* const first = text.data() + i + 1;
    const auto [end, error] = std::from_chars(first, first + 2, byte, 16);
    if (error != std::errc{} || end != first + 2) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

std::string query_text(const std::map<std::string, std::string>& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text += percent_encoded(name, false) + "=" + percent_encoded(value, false);
  }
  return text;
}

std::vector<std::string> xml_texts(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">", close = "</" + std::string(name) + ">";
  std::vector<std::string> texts;
  for (;;) {
    const std::size_t begin = xml.find(open);
    if (begin == xml.npos) return texts;
    xml.remove_prefix(begin + open.size());
    const std::size_t end = xml.find(close);
    if (end == xml.npos) return texts;
    texts.push_back(unescaped(xml.substr(0, end)));
    xml.remove_prefix(end + close.size());
  }
}

std::string xml_text(std::string_view xml, std::string_view name) {
  auto texts = xml_texts(xml, name);
  return texts.empty() ? std::string() : std::move(texts.front());
}

}  // namespace tandem::blobs
