#pragma once

#include <string>

#include "base/result.h"
#include "io/asio.h"

namespace tandem::net {

// A body that is pulled piece by piece: of a streaming request, or of a response. Used on one loop,
// by one caller at a time. It may be destroyed before its end; whoever made it gives up then.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // true: `chunk` was replaced by the next piece, never empty. false: the end, `chunk` is empty.
  // Request bodies fail with bad_request (broken framing, peer gone), too_large, request_timeout.
  virtual io::Awaitable<Result<bool>> next(std::string& chunk) = 0;
};

}  // namespace tandem::net
