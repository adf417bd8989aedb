#include "auth/hmac.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace tandem::auth {

std::string hmac_sha256(std::string_view key, std::string_view text) {
  constexpr std::size_t kDigestBytes = 32;
  std::string out(kDigestBytes, '\0');
  unsigned int size = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(out.data()), &size);
  TANDEM_ASSERT(made != nullptr && size == out.size());
  return out;
}

}  // namespace tandem::auth
