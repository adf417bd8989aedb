#pragma once

#include <cstdint>
#include <string_view>

#include "base/assert.h"

namespace tandem::fuzz {

// What a target is: it feeds `input` to what reads bytes from outside, and asserts what must hold
// whatever they are. Each target's file has its own.
void check(std::string_view input);

// Cuts a text into pieces. The text itself decides where, so that inputs stay readable and a run
// can be repeated.
class Pieces {
 public:
  explicit Pieces(std::string_view text);
  bool at_end() const { return rest_.empty(); }
  std::string_view next();  // not empty
  // Uniform in [0, bound).
  std::size_t below(std::size_t bound);

 private:
  std::string_view rest_;
  std::uint64_t state_ = 0xCBF29CE484222325;
};

}  // namespace tandem::fuzz
