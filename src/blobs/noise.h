#pragma once

#include <random>
#include <string>

namespace tandem::blobs {

// For tests: bytes that no compression makes shorter, of which no two places are alike.
inline std::string noise(std::size_t bytes) {
  std::mt19937 chance(3);
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(chance());
  return out;
}

}  // namespace tandem::blobs
