#pragma once

#include <filesystem>
#include <memory>

#include "blobs/blob_store.h"

namespace tandem::blobs {

// Files in a local directory, for this process alone:
//   files/<2 hex>/<task>/<in|out-N|log>/<name>   finished ones
//   tmp/                                   what is being written or removed
// Makes it where it is missing (0700) and sweeps tmp/. Errors: disk_full, store_unavailable.
Result<std::unique_ptr<BlobStore>> open_dir_blob_store(const std::filesystem::path& root);

}  // namespace tandem::blobs
