#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace tandem::blobs {

// SHA-256 of a stream. One thread at a time.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  std::string hex_digest();  // 64 lower-case digits; once, the last call

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace tandem::blobs
