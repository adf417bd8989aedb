#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "latencies.h"

namespace tandem::bench {

struct LoadResult {
  std::uint64_t answers = 0, refused = 0;  // refused: not a 2xx
  double seconds = 0;
  Latencies latencies;  // of the answers
  double rate() const { return static_cast<double>(answers) / seconds; }
};

// Sends `requests` requests over keep-alive connections, on each the next one when the answer to
// the last one is whole. One thread, the caller's; ends after 60 s at the latest. Throws
// std::runtime_error where a connection breaks.
class HttpLoad {
 public:
  HttpLoad(std::uint16_t port, int connections) : port_(port), connections_(connections) {}
  LoadResult run(const std::string& request, std::uint64_t requests) const;

 private:
  std::uint16_t port_;
  int connections_;
};

}  // namespace tandem::bench
