#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "blobs/s3/s3_address.h"

namespace tandem::blobs {

// An address at which whoever has it may GET what `url` names, for address.presign_s seconds from
// `now`: AWS Signature V4 in the query. `url`: scheme://host/path, percent-encoded, without a
// query; `query`: what the service is asked for besides, signed too.
std::string presigned_url(const S3Address& address, std::string_view url,
                          std::map<std::string, std::string> query, WallTime now);

}  // namespace tandem::blobs
