#include "tests/fuzz/target.h"

#include <algorithm>
#include <cstddef>

namespace tandem::fuzz {

// FNV-1a, then splitmix64.
Pieces::Pieces(std::string_view text) : rest_(text) {
  for (const char c : text)
    state_ = (state_ ^ static_cast<unsigned char>(c)) * std::uint64_t{0x100000001B3};
}

std::size_t Pieces::below(std::size_t bound) {
  std::uint64_t mixed = state_ += 0x9E3779B97F4A7C15;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
  return (mixed ^ mixed >> 31) % bound;
}

// Half of the pieces are a few bytes, so that every border is cut at some time.
std::string_view Pieces::next() {
  const std::size_t bound = below(2) == 0 ? 4 : rest_.size();
  const std::string_view piece = rest_.substr(0, 1 + below(std::max<std::size_t>(bound, 1)));
  rest_.remove_prefix(piece.size());
  return piece;
}

}  // namespace tandem::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tandem::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
