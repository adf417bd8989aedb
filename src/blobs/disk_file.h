#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::blobs {

// What the system says of a file, as an error of a blob store: disk_full, not_found,
// store_unavailable.
Error disk_error(int error);

Result<void> write_all(int fd, std::string_view bytes);
// Gives every piece of a file to `take`, from where it stands.
Result<void> read_all(int fd, const std::function<Result<void>(std::string_view)>& take);

// Opens a file that somebody else made, to take it in. validation_failed where it is a symbolic
// link, no regular file, or has a second name.
Result<UniqueFd> open_plain_file(const std::string& path);

}  // namespace tandem::blobs
