#include "auth/callback_signer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"
#include "base/encoding.h"

namespace tandem::auth {
namespace {

constexpr std::size_t kDigestBytes = 32;

std::string hmac(std::string_view key, std::string_view text) {
  std::string out(kDigestBytes, '\0');
  unsigned int size = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                          reinterpret_cast<unsigned char*>(out.data()), &size);
  TANDEM_ASSERT(made != nullptr && size == out.size());
  return out;
}

std::string derive(std::string_view token_secret, ClientId client) {
  return "tdh_" + to_base64url(hmac(token_secret, "tandem callback secret " + to_string(client)));
}

}  // namespace

std::string CallbackSigner::secret_of(ClientId client) const { return derive(secret_, client); }

std::string CallbackSigner::sign(ClientId client, WallTime now, std::string_view body) const {
  const std::string time = std::to_string(now.ms / 1000);
  const std::string signed_text = time + "." + std::string(body);
  std::string signature = "t=" + time;
  for (const std::string* secret : {&secret_, &previous_})
    if (!secret->empty()) signature += ",v1=" + to_hex(hmac(derive(*secret, client), signed_text));
  return signature;
}

}  // namespace tandem::auth
