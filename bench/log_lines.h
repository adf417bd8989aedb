#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::bench {

// The lines that a measured job writes: numbered, all of one length, so that a reader can tell
// whether it has got them whole and in order.
constexpr std::size_t kLineBytes = 64;

// `tandem_bench emit-lines N`: writes them to standard output.
int emit_lines(std::uint64_t lines);
// As a task for the built-in `exec`, run by this program.
std::string emitting_task(std::uint64_t lines);

// Checks a stream of them, cut anywhere.
class LineChecker {
 public:
  // False from the first byte on that is not what it should be.
  bool take(std::string_view bytes);
  std::uint64_t lines() const { return bytes_ / kLineBytes; }

 private:
  std::string line_ = std::string(kLineBytes, '\0');  // the one that bytes_ is in
  std::uint64_t bytes_ = 0;
  bool good_ = true;
};

}  // namespace tandem::bench
