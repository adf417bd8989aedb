// The masking of a job's secrets in what it writes: any bytes, in any pieces.
#include "worker/secret_mask.h"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "tests/fuzz/target.h"
#include "wire/json.h"
#include "wire/raw_json.h"

namespace tandem::fuzz {
namespace {

namespace json = boost::json;

const std::vector<std::string> kSecrets = {"ab", "bca", "aabb", "c\nd", "12", "\"e"};

bool holds_secret(std::string_view text) {
  return std::ranges::any_of(
      kSecrets, [&](const std::string& secret) { return text.find(secret) != text.npos; });
}

std::string masked_in_pieces(const std::shared_ptr<const worker::SecretMask>& mask,
                             std::string_view text) {
  worker::SecretFilter filter(mask);
  std::string out;
  for (Pieces pieces(text); !pieces.at_end();) filter.feed(pieces.next(), out);
  filter.finish(out);
  return out;
}

// In any of its texts, the names of members among them.
bool says_secret(const json::value& value) {
  if (const json::string* text = value.if_string()) return holds_secret(wire::view(*text));
  if (const json::array* array = value.if_array())
    return std::ranges::any_of(*array, [](const json::value& one) { return says_secret(one); });
  if (const json::object* object = value.if_object())
    return std::ranges::any_of(*object, [](const json::key_value_pair& member) {
      return holds_secret(std::string_view(member.key().data(), member.key().size())) ||
             says_secret(member.value());
    });
  return false;
}

// It stays JSON, though members that were told apart by a secret alone may be alike now.
void check_json(const worker::SecretMask& mask, std::string_view input) {
  if (!wire::check_json(input)) return;
  const std::string masked = mask.masked_json(input);
  json::parse_options options;
  options.max_depth = 100;
  boost::system::error_code error;
  const json::value value = json::parse(masked, error, {}, options);
  TANDEM_ASSERT(!error && !says_secret(value));
}

}  // namespace

void check(std::string_view input) {
  static const auto mask = std::make_shared<const worker::SecretMask>(kSecrets);
  const std::string masked = mask->masked_text(input);
  TANDEM_ASSERT(!holds_secret(masked));
  TANDEM_ASSERT(masked == masked_in_pieces(mask, input));
  TANDEM_ASSERT(holds_secret(input) || input.find("c\r\nd") != input.npos || masked == input);
  TANDEM_ASSERT(masked_in_pieces(nullptr, input) == input);
  check_json(*mask, input);
}

}  // namespace tandem::fuzz
