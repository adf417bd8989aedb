#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// What these programs need of RFC 6455; they trust their server.
namespace tandem::bench {

// The request that opens a WebSocket.
std::string upgrade_request(std::string_view target, std::string_view token);
// Size of the whole frame of a server at the start of `data`, 0 while its head is not there.
std::size_t frame_size(std::string_view data, std::size_t& head);
// A text frame of a client; its mask is zeros.
std::string text_frame(std::string_view text);

}  // namespace tandem::bench
