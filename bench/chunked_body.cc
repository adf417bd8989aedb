#include "chunked_body.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace tandem::bench {

bool ChunkedBody::take(std::string_view data, std::string& out) {
  while (!data.empty() && !ended_) {
    if (left_ > 0) {
      const std::size_t size = std::min(left_, data.size());
      out.append(data.substr(0, size));
      data.remove_prefix(size);
      left_ -= size;
      continue;
    }
    const std::size_t end = data.find('\n');
    line_.append(data.substr(0, end));
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    if (in_head_) {
      in_head_ = line != "\r";
    } else if (line != "\r") {  // an empty line ends the chunk before
      left_ = std::strtoull(line.c_str(), nullptr, 16);
      ended_ = left_ == 0;
    }
  }
  return !ended_;
}

}  // namespace tandem::bench
