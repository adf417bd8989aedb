#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "blobs/blob_store.h"
#include "core/task.h"

namespace tandem::worker {

// The files of tasks: the server's own store, or a server far away. Calls block and come from
// offload threads.
class JobFiles {
 public:
  virtual ~JobFiles() = default;
  // Puts a copy of an input file at `path`, which does not exist yet.
  virtual Result<void> fetch_input(const Task& task, const FileInfo& file,
                                   const std::string& path) = 0;
  // Takes in a finished file; `path` may be gone afterwards.
  virtual Result<FileInfo> take_output(const Task& task, const std::string& name,
                                       const std::string& path) = 0;
};

class BlobJobFiles final : public JobFiles {
 public:
  explicit BlobJobFiles(blobs::BlobStore& blobs) : blobs_(blobs) {}
  Result<void> fetch_input(const Task& task, const FileInfo& file,
                           const std::string& path) override;
  Result<FileInfo> take_output(const Task& task, const std::string& name,
                               const std::string& path) override;

 private:
  blobs::BlobStore& blobs_;
};

// What was found in an output directory, in the order of the names.
struct FoundOutputs {
  struct File {
    std::string path;  // by way of an open directory, so that nobody can put a link in between
    std::string name;  // as the output will be called: `charts/a.png` becomes `charts_a.png`
    std::uint64_t size_bytes = 0;
    std::shared_ptr<const UniqueFd> directory;  // what `path` goes through
  };
  std::vector<File> files;
  std::vector<std::string> left_out;  // sentences: links, devices, names that can't be
};

// Looks through the directory and those within, following no link, nor being one itself. Blocks.
// Errors: too_large (too many files, or more than `max_bytes`), conflict (two files would have one
// name), internal (can't be read).
Result<FoundOutputs> find_outputs(const std::string& directory,
                                  std::uint64_t max_bytes = limits::kMaxOutputBytes);

}  // namespace tandem::worker
