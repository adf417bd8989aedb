#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::blobs {

struct ZipEntry {
  std::string name;  // as given, UTF-8
  UniqueFd fd;       // read from its start by position; it must keep its size
  std::uint64_t size_bytes = 0;
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
  // Blocks on the disk: call it on an offload thread. An error (internal: a file shrank or can't be
  // read) is final: what went out so far is no zip.
  Result<std::size_t> next(std::span<char> buffer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem::blobs
