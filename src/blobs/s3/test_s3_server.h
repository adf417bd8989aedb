#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "blobs/s3/s3_address.h"

namespace tandem::blobs {

// For tests: an S3 server of its own (versitygw; `./dev setup` makes it) on a free port, with a
// bucket, in a temporary directory; all of it is gone with the object.
class TestS3Server {
 public:
  TestS3Server();
  ~TestS3Server();
  TestS3Server(const TestS3Server&) = delete;
  TestS3Server& operator=(const TestS3Server&) = delete;

  static bool is_installed();  // taken for granted where CI is set: no test is skipped there
  const S3Address& address() const { return address_; }
  void send(int number);  // SIGSTOP, SIGCONT
  void kill();
  bool start();  // on the same port; false where it does not come up within a minute

 private:
  bool spawn();
  bool answers() const;

  std::filesystem::path folder_;
  S3Address address_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace tandem::blobs
