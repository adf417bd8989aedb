#include "blobs/blob_store.h"

#include <charconv>

namespace tandem::blobs {

std::optional<std::uint32_t> BlobFolder::attempt_of(std::string_view name) {
  constexpr std::string_view kBegin = "out-";
  if (!name.starts_with(kBegin)) return std::nullopt;
  name.remove_prefix(kBegin.size());
  std::uint32_t attempt = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), attempt);
  if (read.ec != std::errc() || read.ptr != name.data() + name.size()) return std::nullopt;
  return attempt;
}

Result<std::optional<std::string>> BlobStore::link(TaskId, const BlobFolder&, std::string_view,
                                                   const LinkHeaders&) {
  return std::optional<std::string>();
}

Result<BlobFile> open_output(BlobStore& blobs, TaskId task, std::uint32_t attempt,
                             std::string_view name) {
  auto file = blobs.open(task, BlobFolder::out(attempt), name);
  if (file.has_value() || file.error().code != Errc::not_found) return file;
  return blobs.open(task, BlobFolder::shared_out(), name);
}

Result<Fetchable> fetchable_output(BlobStore& blobs, const Task& task, const FileInfo& output,
                                   const LinkHeaders& headers) {
  auto link = blobs.link(task.task_id, BlobFolder::out(task.attempt), output.name, headers);
  if (!link && link.error().code == Errc::not_found)
    link = blobs.link(task.task_id, BlobFolder::shared_out(), output.name, headers);
  if (!link) return link.error();
  if (*link) return Fetchable{.link = std::move(*link), .file = nullptr};
  auto file = open_output(blobs, task.task_id, task.attempt, output.name);
  if (!file) return file.error();
  return Fetchable{.link = {}, .file = std::move(*file)};
}

}  // namespace tandem::blobs
