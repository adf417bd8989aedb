#pragma once

#include <string>
#include <string_view>

namespace tandem::bench {

// The body of an HTTP answer with Transfer-Encoding: chunked, head included, as it comes.
class ChunkedBody {
 public:
  // Appends the body's bytes in `data` to `out`; false once the body has ended or is broken.
  bool take(std::string_view data, std::string& out);

 private:
  std::string line_;  // of a head or a chunk's size, so far
  std::size_t left_ = 0;
  bool in_head_ = true, ended_ = false;
};

}  // namespace tandem::bench
