#pragma once

#include "base/result.h"
#include "blobs/s3/s3_address.h"
#include "config/settings.h"

namespace tandem::app {

// TANDEM_BLOBS_URL with its keys: those of the settings, else those that tools for S3 use
// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN). Errors: validation_failed with a
// sentence that names the setting.
Result<blobs::S3Address> file_service(const config::Settings& settings);

}  // namespace tandem::app
