#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "blobs/blob_store.h"

namespace tandem::blobs {

// Files in a directory:
//   files/<2 hex>/<task>/<in|out-N|log>/<name>   finished ones
//   tmp/[<writer>/]                              what is being written or removed
//   installation                                 whose they are
// Makes it where it is missing (0700) and sweeps its part of tmp/. Servers that share a directory
// give a `writer` each, a file name of their own. Errors: disk_full, store_unavailable.
Result<std::unique_ptr<BlobStore>> open_dir_blob_store(const std::filesystem::path& root,
                                                       std::string_view writer = {});

}  // namespace tandem::blobs
