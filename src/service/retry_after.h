#pragma once

#include <cstdint>

#include "net/http_client.h"

namespace tandem::service {

constexpr std::int64_t kLongestAskedMs = 60'000;

// How long a service that refuses for now (429, 503) asks to be left alone by Retry-After, at most
// kLongestAskedMs. 0: it does not say so in seconds; dates, which need its clock, are not read.
std::int64_t retry_after_ms(const net::HttpAnswer& answer);

}  // namespace tandem::service
