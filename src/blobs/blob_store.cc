#include "blobs/blob_store.h"

#include <array>

#include "base/assert.h"

namespace tandem::blobs {

std::string_view to_string(BlobKind kind) {
  constexpr std::array<std::string_view, 3> kNames = {"in", "out", "log"};
  const auto index = static_cast<std::size_t>(kind);
  TANDEM_ASSERT(index < kNames.size());
  return kNames[index];
}

}  // namespace tandem::blobs
