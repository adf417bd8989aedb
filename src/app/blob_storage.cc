#include "app/blob_storage.h"

#include <cstdlib>

#include "blobs/dir_blob_store.h"
#include "blobs/s3/s3_blob_store.h"

namespace tandem::app {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

constexpr std::string_view kDirectoryScheme = "file://";

bool is_directory(const config::Settings& settings) {
  return settings.blobs_url.starts_with(kDirectoryScheme);
}

Result<std::filesystem::path> directory_of(const config::Settings& settings) {
  const std::filesystem::path path = settings.blobs_url.substr(kDirectoryScheme.size());
  if (path.is_absolute()) return path;
  return fail(Errc::validation_failed,
              "TANDEM_BLOBS_URL must name a whole path: file:///mnt/files");
}

}  // namespace

Result<blobs::S3Address> file_service(const config::Settings& settings) {
  auto address = blobs::parse_s3_url(settings.blobs_url);
  if (!address) return fail(Errc::validation_failed, "TANDEM_BLOBS_URL " + address.error().detail);
  address->access_key = settings.s3_access_key;
  address->secret_key = settings.s3_secret_key;
  if (address->access_key.empty() && address->secret_key.empty()) {
    address->access_key = variable("AWS_ACCESS_KEY_ID");
    address->secret_key = variable("AWS_SECRET_ACCESS_KEY");
    address->session_token = variable("AWS_SESSION_TOKEN");
  }
  if (address->access_key.empty() || address->secret_key.empty())
    return fail(Errc::validation_failed,
                "TANDEM_BLOBS_URL needs TANDEM_S3_ACCESS_KEY and TANDEM_S3_SECRET_KEY");
  return address;
}

Result<void> check_blob_storage(const config::Settings& settings) {
  if (settings.blobs_url.empty()) return {};
  if (is_directory(settings)) {
    const auto path = directory_of(settings);
    return path ? Result<void>() : path.error();
  }
  const auto address = file_service(settings);
  return address ? Result<void>() : address.error();
}

Result<std::unique_ptr<blobs::BlobStore>> open_blob_storage(const config::Settings& settings,
                                                            const Installation& place) {
  if (settings.blobs_url.empty()) return blobs::open_dir_blob_store(place.directory() / "blobs");
  if (is_directory(settings)) {
    const auto path = directory_of(settings);
    if (!path) return path.error();
    return blobs::open_dir_blob_store(*path, place.server_id());
  }
  auto address = file_service(settings);
  if (!address) return address.error();
  return blobs::open_s3_blob_store(std::move(*address), place.directory() / "spool");
}

}  // namespace tandem::app
