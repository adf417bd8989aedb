#pragma once

#include <cstdint>
#include <string>

namespace tandem::bench {

// Entries each second that a plain loop of pipelined XADD adds to streams of a Redis on 127.0.0.1:
// `batch` entries in one go, all to one stream, the next ones to the next of `streams`.
double bare_stream_adds_per_second(std::uint16_t port, const std::string& data, int entries,
                                   int batch, int streams);

}  // namespace tandem::bench
