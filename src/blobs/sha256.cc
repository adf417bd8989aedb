#include "blobs/sha256.h"

#include <openssl/evp.h>

#include <array>

#include "base/assert.h"
#include "base/encoding.h"

namespace tandem::blobs {

// These calls fail only for lack of memory or a broken OpenSSL.
Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  TANDEM_ASSERT(context_ != nullptr);
  TANDEM_ASSERT(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::add(std::string_view bytes) {
  TANDEM_ASSERT(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex_digest() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  TANDEM_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
  return to_hex({reinterpret_cast<const char*>(digest.data()), size});
}

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

}  // namespace tandem::blobs
