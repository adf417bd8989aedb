#pragma once

#include <filesystem>
#include <memory>

#include "blobs/blob_store.h"
#include "blobs/s3/s3_address.h"

namespace tandem::blobs {

// Files as objects of an S3 bucket: {prefix/}files/{last two digits}/{task
// id}/{in|out-N|log}/{name}. A file on its way in or out lies in `folder`, without a name, so a
// crash leaves nothing there. Errors: store_unavailable where the folder can't be used. Does not
// ask the service.
Result<std::unique_ptr<BlobStore>> open_s3_blob_store(S3Address address,
                                                      const std::filesystem::path& folder);

}  // namespace tandem::blobs
