#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem {

// The one seam to chance. Thread-safe unless an implementation says otherwise.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;
  std::uint64_t next();
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
};

// The kernel's generator (getrandom); fit for secrets.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace tandem
