#include "auth/callback_signer.h"

#include "auth/hmac.h"
#include "base/encoding.h"

namespace tandem::auth {
namespace {

std::string derive(std::string_view token_secret, ClientId client) {
  return "tdh_" +
         to_base64url(hmac_sha256(token_secret, "tandem callback secret " + to_string(client)));
}

}  // namespace

std::string CallbackSigner::secret_of(ClientId client) const { return derive(secret_, client); }

std::string CallbackSigner::sign(ClientId client, WallTime now, std::string_view body) const {
  const std::string time = std::to_string(now.ms / 1000);
  const std::string signed_text = time + "." + std::string(body);
  std::string signature = "t=" + time;
  for (const std::string* secret : {&secret_, &previous_})
    if (!secret->empty())
      signature += ",v1=" + to_hex(hmac_sha256(derive(*secret, client), signed_text));
  return signature;
}

}  // namespace tandem::auth
