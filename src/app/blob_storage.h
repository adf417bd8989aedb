#pragma once

#include <memory>

#include "app/installation.h"
#include "base/result.h"
#include "blobs/blob_store.h"
#include "blobs/s3/s3_address.h"
#include "config/settings.h"

namespace tandem::app {

// TANDEM_BLOBS_URL with its keys: those of the settings, else those that tools for S3 use
// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN). Errors: validation_failed with a
// sentence that names the setting.
Result<blobs::S3Address> file_service(const config::Settings& settings);

// Whether TANDEM_BLOBS_URL and its keys can be understood. Errors as above.
Result<void> check_blob_storage(const config::Settings& settings);

// Where the settings say that files are kept: the data directory, another one, or
// an S3 service. After open_storage, which makes the server's id. Blocks.
Result<std::unique_ptr<blobs::BlobStore>> open_blob_storage(const config::Settings& settings,
                                                            const Installation& place);

}  // namespace tandem::app
