#include "worker/secret_mask.h"

#include <algorithm>
#include <utility>

#include "wire/json_writer.h"
#include "wire/raw_json.h"

namespace tandem::worker {
namespace {

std::string with_terminal_line_ends(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c == '\n') made += '\r';
    made += c;
  }
  return made;
}

// The length of the text, with its quotes, that begins at `json`; or of the number.
std::size_t length_of_text(std::string_view json) {
  std::size_t end = 1;
  while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
  return std::min(end + 1, json.size());
}

std::size_t length_of_number(std::string_view json) {
  return std::min(json.find_first_not_of("0123456789+-.eE"), json.size());
}

}  // namespace

void SecretMask::Patterns::add(std::string text) {
  if (text.empty()) return;
  first[static_cast<unsigned char>(text[0])] = true;
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(std::move(text));
}

SecretMask::Here SecretMask::Patterns::look(std::string_view text, std::size_t at,
                                            std::size_t& length) const {
  const std::string_view rest = text.substr(at);
  length = 0;
  bool perhaps = false;
  for (const std::string& one : texts) {
    if (rest.size() >= one.size()) {
      if (one.size() > length && rest.starts_with(one)) length = one.size();
    } else if (std::string_view(one).starts_with(rest)) {
      perhaps = true;  // a longer one than any that is whole here
    }
  }
  if (perhaps) return Here::perhaps;
  return length > 0 ? Here::match : Here::nothing;
}

SecretMask::SecretMask(const std::vector<std::string>& secrets) {
  for (const std::string& secret : secrets) {
    patterns_.add(secret);
    patterns_.add(with_terminal_line_ends(secret));
  }
}

std::string SecretMask::masked_text(std::string_view text) const {
  SecretFilter filter(patterns_);
  std::string masked;
  filter.pass(text, true, masked);
  return masked;
}

std::string SecretMask::masked_json(std::string_view json) const {
  std::string masked;
  while (!json.empty()) {
    const bool is_text = json[0] == '"';
    const std::size_t length = is_text ? length_of_text(json) : length_of_number(json);
    const std::string_view token = json.substr(0, std::max<std::size_t>(length, 1));
    json.remove_prefix(token.size());
    const std::string says = is_text ? wire::raw_string(token).value_or("") : std::string(token);
    const std::string may_say = length > 0 ? masked_text(says) : says;
    if (may_say == says)
      masked += token;
    else
      wire::append_json_string(masked, may_say);
  }
  return masked;
}

SecretFilter::SecretFilter(std::shared_ptr<const SecretMask> mask) : mask_(std::move(mask)) {
  if (mask_) patterns_ = &mask_->patterns_;
}

void SecretFilter::feed(std::string_view chunk, std::string& out) {
  if (patterns_ == nullptr) {
    out += chunk;
    return;
  }
  if (held_.empty()) return pass(chunk, false, out);
  held_ += chunk;
  const std::string text = std::move(held_);
  held_.clear();
  pass(text, false, out);
}

void SecretFilter::finish(std::string& out) {
  const std::string text = std::move(held_);
  held_.clear();
  if (patterns_ != nullptr) pass(text, true, out);
}

// A position is passed when it is known what begins there; `masked` is where the secrets that began
// before it end.
void SecretFilter::pass(std::string_view text, bool is_end, std::string& out) {
  std::size_t at = 0, masked = std::exchange(masked_, 0), plain = masked;
  for (; at < text.size(); ++at) {
    if (!patterns_->first[static_cast<unsigned char>(text[at])]) continue;
    std::size_t length = 0;
    const SecretMask::Here here = patterns_->look(text, at, length);
    if (here == SecretMask::Here::perhaps && !is_end) break;
    if (length == 0) continue;
    if (at >= masked) {
      out += text.substr(plain, at - plain);
      out += SecretMask::kMask;
    }
    masked = std::max(masked, at + length);
    plain = masked;
  }
  if (at > plain) out += text.substr(plain, at - plain);
  held_ = text.substr(at);
  masked_ = masked > at ? masked - at : 0;
}

}  // namespace tandem::worker
