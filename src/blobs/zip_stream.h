#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "blobs/blob_store.h"

namespace tandem::blobs {

struct ZipEntry {
  std::string name;                        // as given, UTF-8
  std::function<Result<BlobFile>()> open;  // called when its turn comes; only one is open at a time
  WallTime modified;
};

enum class ZipMethod : std::uint8_t { store, deflate };

// Makes a zip of files piece by piece, in bounded memory (about 256 KiB). One thread at a time.
class ZipStream {
 public:
  ZipStream(std::vector<ZipEntry> entries, ZipMethod method);
  ~ZipStream();
  ZipStream(ZipStream&&) noexcept;
  ZipStream& operator=(ZipStream&&) noexcept;

  // Fills `buffer` (not empty) with the next bytes of the zip; answers how many, 0 at its end.
  // Blocks on the files: call it on an offload thread. An error (that of a file, or internal) is
  // final: what went out so far is no zip.
  Result<std::size_t> next(std::span<char> buffer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem::blobs
