#include "auth/refresh.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>
#include <span>

#include "base/assert.h"
#include "base/encoding.h"

namespace tandem::auth {
namespace {

constexpr int kKeyBytes = 32, kNonceBytes = 12, kTagBytes = 16;
using Key = std::array<unsigned char, kKeyBytes>;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Key hmac(std::span<const unsigned char> key, std::string_view text) {
  Key out;
  unsigned int size = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes(text),
                          text.size(), out.data(), &size);
  TANDEM_ASSERT(made != nullptr && size == out.size());
  return out;
}

// HKDF (RFC 5869) with SHA-256, one block.
Key key_from(std::string_view presented) {
  constexpr std::string_view kSalt = "tandem refresh token", kInfo = "successor\x01";
  const Key extracted = hmac({bytes(kSalt), kSalt.size()}, presented);
  return hmac(extracted, kInfo);
}

RefreshDecision refuse(Errc code) { return {RefreshAction::refuse, {}, fail(code)}; }

}  // namespace

RefreshDecision decide_refresh(const std::optional<RefreshState>& state, std::string_view presented,
                               WallTime now) {
  if (!state) return refuse(Errc::invalid_grant);
  if (state->revoked) return refuse(Errc::token_revoked);
  if (state->used_at) {
    if (now - *state->used_at <= kRefreshGraceMs) {
      auto successor = open_successor(state->successor, presented);
      if (successor) return {RefreshAction::repeat, std::move(*successor), {}};
    }
    return {RefreshAction::revoke_family, {}, fail(Errc::token_reused)};
  }
  if (now >= state->expires_at) return refuse(Errc::token_expired);
  return {RefreshAction::rotate, {}, {}};
}

std::string seal_successor(std::string_view successor, std::string_view presented, Random& random) {
  std::string sealed(kNonceBytes + successor.size() + kTagBytes, '\0');
  random.fill(std::as_writable_bytes(std::span(sealed.data(), kNonceBytes)));
  Key key = key_from(presented);
  const Context context(EVP_CIPHER_CTX_new());
  unsigned char* text = bytes(sealed) + kNonceBytes;
  int size = 0, rest = 0;
  const bool sealed_well = context != nullptr &&
                           EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(),
                                              bytes(sealed)) == 1 &&
                           EVP_EncryptUpdate(context.get(), text, &size, bytes(successor),
                                             static_cast<int>(successor.size())) == 1 &&
                           EVP_EncryptFinal_ex(context.get(), text + size, &rest) == 1 &&
                           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                                               text + successor.size()) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  TANDEM_ASSERT(sealed_well);
  return to_base64url(sealed);
}

std::optional<std::string> open_successor(std::string_view sealed, std::string_view presented) {
  auto raw = from_base64url(sealed);
  if (!raw || raw->size() <= kNonceBytes + kTagBytes) return std::nullopt;
  const std::size_t length = raw->size() - kNonceBytes - kTagBytes;
  std::string successor(length, '\0');
  Key key = key_from(presented);
  const Context context(EVP_CIPHER_CTX_new());
  unsigned char* text = bytes(*raw) + kNonceBytes;
  int size = 0, rest = 0;
  const bool opened =
      context != nullptr &&
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes(*raw)) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes(successor), &size, text, static_cast<int>(length)) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, text + length) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes(successor) + size, &rest) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  if (!opened) return std::nullopt;
  return successor;
}

}  // namespace tandem::auth
