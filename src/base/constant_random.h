#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/random.h"

namespace tandem {

// For tests: gives the same byte for ever, the worst chance there is.
class ConstantRandom final : public Random {
 public:
  explicit ConstantRandom(int byte) : byte_(static_cast<std::byte>(byte)) {}
  void fill(std::span<std::byte> out) override { std::fill(out.begin(), out.end(), byte_); }

 private:
  std::byte byte_;
};

}  // namespace tandem
