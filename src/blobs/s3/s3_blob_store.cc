#include "blobs/s3/s3_blob_store.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "base/encoding.h"
#include "blobs/content_type.h"
#include "blobs/disk_file.h"
#include "blobs/s3/s3_client.h"
#include "blobs/s3/s3_file.h"
#include "blobs/sha256.h"
#include "core/file_name.h"

namespace tandem::blobs {
namespace {

Result<UniqueFd> nameless_file(const std::filesystem::path& folder) {
  UniqueFd fd(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd) return disk_error(errno);
  return fd;
}

class S3BlobWriter final : public BlobWriter {
 public:
  S3BlobWriter(std::shared_ptr<S3Client> client, UniqueFd fd, std::string key,
               std::string_view name)
      : client_(std::move(client)), fd_(std::move(fd)), key_(std::move(key)), name_(name) {}

  Result<void> write(std::string_view bytes) override {
    if (auto written = write_all(fd_.get(), bytes); !written) {
      write_error_ = written.error();
      return written;
    }
    digest_.add(bytes);
    size_bytes_ += bytes.size();
    return {};
  }

  Result<FileInfo> finish(std::optional<std::string_view> expected_sha256) override {
    if (write_error_) return *write_error_;
    FileInfo info = describe(name_, size_bytes_, digest_.hex_digest());
    if (expected_sha256 && *expected_sha256 != info.sha256)
      return fail(Errc::validation_failed, "The file's SHA-256 is not the one given.", "sha256");
    if (auto put = client_->put(key_, fd_.get(), size_bytes_, info.sha256); !put)
      return put.error();
    return info;
  }

 private:
  const std::shared_ptr<S3Client> client_;
  const UniqueFd fd_;
  const std::string key_, name_;
  Sha256 digest_;
  std::uint64_t size_bytes_ = 0;
  std::optional<Error> write_error_;  // a piece is missing: it can't be finished any more
};

class S3BlobStore final : public BlobStore {
 public:
  S3BlobStore(S3Address address, std::filesystem::path folder)
      : top_(address.prefix.empty() ? "" : address.prefix + "/"),
        has_links_(address.presign_s > 0),
        folder_(std::move(folder)),
        client_(std::make_shared<S3Client>(std::move(address))) {}

  Result<std::unique_ptr<BlobWriter>> create(TaskId task, const BlobFolder& folder,
                                             std::string_view name) override;
  Result<FileInfo> adopt(const std::string& path, TaskId task, const BlobFolder& folder,
                         std::string_view name) override;
  Result<BlobFile> open(TaskId task, const BlobFolder& folder, std::string_view name) override;
  Result<std::optional<std::string>> link(TaskId task, const BlobFolder& folder,
                                          std::string_view name,
                                          const LinkHeaders& headers) override;
  Result<void> remove(TaskId task) override { return remove_all(prefix_of(task)); }
  Result<void> remove_outputs_before(TaskId task, std::uint32_t attempt) override;
  Result<void> check() override { return client_->check(); }
  Result<std::string> mark(const std::string& installation) override;
  Result<std::vector<TaskId>> list_tasks(int part) override;

 private:
  Result<BlobFile> open(std::string key);
  Result<std::string> read_mark();
  std::string prefix_of(TaskId task) const {
    const std::string id = to_string(task);
    return root_ + id.substr(id.size() - 2) + "/" + id + "/";  // the random end, not the time
  }
  Result<void> remove_all(const std::string& prefix);
  std::string key_of(TaskId task, const BlobFolder& folder, std::string_view name) const {
    return prefix_of(task) + std::string(folder.name()) + "/" + std::string(name);
  }

  const std::string top_, root_ = top_ + "files/";
  const bool has_links_;
  const std::filesystem::path folder_;
  const std::shared_ptr<S3Client> client_;  // files that are open use it
};

Result<std::unique_ptr<BlobWriter>> S3BlobStore::create(TaskId task, const BlobFolder& folder,
                                                        std::string_view name) {
  if (auto checked = check_file_name(name); !checked) return checked.error();
  auto fd = nameless_file(folder_);
  if (!fd) return fd.error();
  return std::unique_ptr<BlobWriter>(
      std::make_unique<S3BlobWriter>(client_, std::move(*fd), key_of(task, folder, name), name));
}

// A copy first: its maker may still have it open, and what is sent must be what was hashed.
Result<FileInfo> S3BlobStore::adopt(const std::string& path, TaskId task, const BlobFolder& folder,
                                    std::string_view name) {
  auto writer = create(task, folder, name);
  if (!writer) return writer.error();
  const auto from = open_plain_file(path);
  if (!from) return from.error();
  const auto copied =
      read_all(from->get(), [&writer](std::string_view piece) { return (*writer)->write(piece); });
  if (!copied) return copied.error();
  auto info = (*writer)->finish(std::nullopt);
  if (info.has_value()) ::unlink(path.c_str());
  return info;
}

Result<BlobFile> S3BlobStore::open(TaskId task, const BlobFolder& folder, std::string_view name) {
  if (auto checked = check_file_name(name); !checked) return checked.error();
  return open(key_of(task, folder, name));
}

Result<BlobFile> S3BlobStore::open(std::string key) {
  auto spool = nameless_file(folder_);
  if (!spool) return spool.error();
  return S3File::open(client_, std::move(key), std::move(*spool));
}

// Asked for first: what is wrong is said by us, and not by the service to whoever follows the link.
Result<std::optional<std::string>> S3BlobStore::link(TaskId task, const BlobFolder& folder,
                                                     std::string_view name,
                                                     const LinkHeaders& headers) {
  if (!has_links_) return std::optional<std::string>();
  if (auto checked = check_file_name(name); !checked) return checked.error();
  const std::string key = key_of(task, folder, name);
  if (auto found = client_->find(key); !found) return found.error();
  return std::optional(
      client_->link(key, {{"response-content-type", headers.content_type},
                          {"response-content-disposition", headers.content_disposition}}));
}

Result<void> S3BlobStore::remove_all(const std::string& prefix) {
  const auto keys = client_->list(prefix, false);
  if (!keys) return keys.error();
  for (const std::string& key : *keys)
    if (auto gone = client_->remove(key); !gone) return gone;
  return {};
}

Result<std::string> S3BlobStore::read_mark() {
  const auto file = open(top_ + "installation");
  if (!file) return file.error();
  return read_whole(**file);
}

Result<std::string> S3BlobStore::mark(const std::string& installation) {
  auto there = read_mark();
  if (there || there.error().code != Errc::not_found) return there;
  auto fd = nameless_file(folder_);
  if (!fd) return fd.error();
  S3BlobWriter writer(client_, std::move(*fd), top_ + "installation", "installation");
  if (auto written = writer.write(installation); !written) return written.error();
  if (auto put = writer.finish(std::nullopt); !put) return put.error();
  return read_mark();
}

Result<void> S3BlobStore::remove_outputs_before(TaskId task, std::uint32_t attempt) {
  const auto folders = client_->list(prefix_of(task), true);
  if (!folders) return folders.error();
  for (const std::string& folder : *folders) {
    if (BlobFolder::attempt_of(folder).value_or(attempt) >= attempt) continue;
    if (auto gone = remove_all(prefix_of(task) + folder + "/"); !gone) return gone;
  }
  return {};
}

Result<std::vector<TaskId>> S3BlobStore::list_tasks(int part) {
  const std::string two_digits = to_hex(std::string(1, static_cast<char>(part)));
  const auto names = client_->list(root_ + two_digits + "/", true);
  if (!names) return names.error();
  std::vector<TaskId> tasks;
  for (const std::string& name : *names)
    if (const auto id = TaskId::parse(name)) tasks.push_back(*id);
  return tasks;
}

}  // namespace

Result<std::unique_ptr<BlobStore>> open_s3_blob_store(S3Address address,
                                                      const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return disk_error(error.value());
  if (auto usable = nameless_file(folder); !usable) return usable.error();
  return std::unique_ptr<BlobStore>(std::make_unique<S3BlobStore>(std::move(address), folder));
}

}  // namespace tandem::blobs
