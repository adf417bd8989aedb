#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/multipart.h"
#include "api/services.h"
#include "net/request.h"

namespace tandem::api {

// The body of a submission with files: the part `task`, and parts `file`, which are written to the
// blob store as they come.
class IncomingFiles {
 public:
  IncomingFiles(const Services& services, TaskId task) : services_(services), task_(task) {}

  // Takes in the whole body. Errors: bad_multipart, validation_failed, too_large, those of the body
  // and of the blob store. Whoever refuses the request then calls discard().
  io::Awaitable<Result<void>> receive(net::Request& request);
  // Removes what was written.
  io::Awaitable<void> discard();

  const std::string& task_json() const { return task_json_; }
  const std::vector<FileInfo>& files() const { return files_; }

 private:
  io::Awaitable<Result<void>> take(MultipartReader::Event event, const MultipartReader& reader);
  io::Awaitable<Result<void>> begin_part(const MultipartReader::Part& part);
  io::Awaitable<Result<void>> take_data(std::string_view data);
  io::Awaitable<Result<void>> end_part();
  io::Awaitable<Result<void>> flush();

  const Services& services_;
  TaskId task_;
  std::string task_json_;
  bool has_task_ = false;
  std::vector<FileInfo> files_;

  bool is_file_ = false;  // the part under way, with all below
  std::unique_ptr<blobs::BlobWriter> writer_;
  std::string content_type_;
  std::string held_;  // not written yet
  std::uint64_t file_bytes_ = 0;
  bool has_written_ = false;  // there is something to discard
};

}  // namespace tandem::api
