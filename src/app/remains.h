#pragma once

#include <atomic>
#include <cstddef>

#include "base/clock.h"
#include "base/result.h"
#include "blobs/blob_store.h"
#include "logs/log_hub.h"
#include "store/task_reader.h"

namespace tandem::app {

struct RemainsParts {
  store::TaskReader& reader;
  logs::LogHub& logs;
  blobs::BlobStore& blobs;
  const std::atomic<bool>& stopping;  // once true, a sweep ends early
};

// Removes logs and files whose task is not there: their delete, or the submission they came with,
// was cut short. Only of ids made before `made_before`, as a submission has its files before its
// row. Answers of how many tasks. Blocks; any thread. On an error the next call goes on.
Result<std::size_t> sweep_remains(const RemainsParts& parts, WallTime made_before);

}  // namespace tandem::app
