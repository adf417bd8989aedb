#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "blobs/s3/s3_address.h"

namespace tandem::blobs {

// Objects of one bucket, over libcurl, signed with AWS Signature V4. Every call blocks, has a
// deadline, and is made up to three times where the service is away or in trouble. Thread-safe.
// Errors: not_found (no such object), store_unavailable (with what the operator can do about it).
class S3Client {
 public:
  explicit S3Client(S3Address address);
  ~S3Client();

  // The bytes [0, size) of a file. Visible at once and whole, or not at all.
  Result<void> put(const std::string& key, int fd, std::uint64_t size, const std::string& sha256);
  // Bytes of an object into an empty file: as many of the `length` (not 0) from `offset` on as it
  // has.
  struct Piece {
    std::uint64_t offset = 0, length = 0;  // what has come: a service may send all instead
    std::uint64_t object_bytes = 0;
    std::string etag;  // another for every content of the object
  };
  Result<Piece> get(const std::string& key, std::uint64_t offset, std::uint64_t length, int fd);
  Result<void> remove(const std::string& key);
  Result<void> find(const std::string& key);  // it is there
  // Where whoever has it may get the object for a while. Asks nobody. `query`: what the service is
  // to answer it with.
  std::string link(const std::string& key, std::map<std::string, std::string> query) const;
  // Whole keys below `prefix`; with a delimiter only what follows `prefix` up to the next slash.
  Result<std::vector<std::string>> list(const std::string& prefix, bool is_by_folder);
  // Whether the bucket can be asked; tried once.
  Result<void> check();

 private:
  static constexpr int kTries = 3;
  using Query = std::map<std::string, std::string>;  // in the order in which it is signed
  struct Request {
    const char* method = "GET";
    std::string key;  // below the prefix of the address; empty: the bucket
    Query query;
    std::string body;
    int read_fd = -1;  // the body instead: `size` bytes of a file from `offset`
    std::uint64_t offset = 0, size = 0;
    std::string sha256;  // of the body of a file; empty: not signed
    int write_fd = -1;   // the answer goes there
    std::string range;   // of the object; empty: all
    std::string answer, etag, content_range;
    int tries = kTries;
    std::uint64_t sent = 0, received = 0;  // of files
    long status = 0;
  };
  struct Handles;
  struct Callbacks;

  Result<void> perform(Request& request);
  int exchange(Request& request, void* handle);
  std::string url_of(const Request& request) const;
  static std::string payload_digest(const Request& request);
  Error error_of(const Request& request) const;
  Result<void> put_parts(const std::string& key, int fd, std::uint64_t size);
  Result<std::string> put_each_part(const std::string& key, int fd, std::uint64_t size,
                                    const std::string& upload);

  const S3Address address_;
  const std::unique_ptr<Handles> handles_;
};

}  // namespace tandem::blobs
