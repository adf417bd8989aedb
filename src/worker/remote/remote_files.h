#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/http_client.h"
#include "service/terms.h"
#include "worker/job_files.h"
#include "worker/remote/attempt_book.h"

namespace tandem::worker::remote {

// Files of tasks of a server far away: inputs are downloaded, outputs uploaded, both checked by
// their digest, both tried again for a while. A service that is none of ours has no files: outputs
// are told of by their names alone. As JobFiles: any thread, blocks.
class RemoteFiles final : public JobFiles {
 public:
  // `terms`: the present ones, from any thread; null: none yet. All outlive the files.
  RemoteFiles(const AttemptBook& book, std::function<service::TermsPtr()> terms,
              std::string ca_file)
      : book_(book), terms_(std::move(terms)), ca_file_(std::move(ca_file)) {}

  Result<void> fetch_input(const Task& task, const FileInfo& file,
                           const std::string& path) override;
  Result<FileInfo> take_output(const Task& task, const std::string& name,
                               const std::string& path) override;
  // What is under way ends soon, with shutting_down. Thread-safe.
  void stop();

 private:
  struct Target {
    service::TermsPtr terms;
    ServiceName name;
  };
  Result<Target> target_of(const Task& task) const;
  // `asked_ms`: how long the service asks to be left alone.
  using Attempt = std::function<Result<void>(std::int64_t& asked_ms)>;
  Result<void> fetch_once(const Target& target, const FileInfo& file, const std::string& path,
                          std::int64_t& asked_ms);
  Result<void> again(const Attempt& attempt);
  net::HttpClientOptions options() const;

  const AttemptBook& book_;
  const std::function<service::TermsPtr()> terms_;
  const std::string ca_file_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
};

}  // namespace tandem::worker::remote
