#include "blobs/dir_blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/mark_file.h"
#include "blobs/content_type.h"
#include "blobs/disk_file.h"
#include "blobs/sha256.h"
#include "core/file_name.h"

namespace tandem::blobs {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxPlacingTries = 100;
constexpr mode_t kFolderMode = 0700, kFileMode = 0600;

Result<void> sync_folder(const fs::path& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) return disk_error(errno);
  return {};
}

// Makes the missing folders from `root` down to `folder`, each durable in its parent.
Result<void> make_folders(const fs::path& root, const fs::path& folder) {
  if (mkdir(folder.c_str(), kFolderMode) == 0) return sync_folder(folder.parent_path());
  if (errno == EEXIST) return {};
  if (errno != ENOENT || folder == root) return disk_error(errno);
  if (auto made = make_folders(root, folder.parent_path()); !made) return made;
  return make_folders(root, folder);
}

// The file is whole and synced at `from`; makes it visible at `to`, for good.
Result<void> put_in_place(const fs::path& root, const fs::path& from, const fs::path& to) {
  // A removal of the task may take a folder away at any moment: again then.
  for (int tries = 1;; ++tries) {
    Result<void> placed = make_folders(root, to.parent_path());
    if (placed.has_value() && rename(from.c_str(), to.c_str()) == 0) break;
    if (placed.has_value()) placed = disk_error(errno);
    if (placed.error().code != Errc::not_found || tries == kMaxPlacingTries) return placed;
  }
  Result<void> synced = sync_folder(to.parent_path());
  if (synced.has_error() && synced.error().code == Errc::not_found) return {};  // removed again
  return synced;
}

class DirBlobWriter final : public BlobWriter {
 public:
  DirBlobWriter(fs::path root, fs::path temporary, fs::path target)
      : root_(std::move(root)), temporary_(std::move(temporary)), target_(std::move(target)) {}
  ~DirBlobWriter() override {
    if (fd_) ::unlink(temporary_.c_str());
  }

  Result<void> open() {
    constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    fd_.reset(::open(temporary_.c_str(), kFlags, kFileMode));
    if (!fd_) return disk_error(errno);
    return {};
  }

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
    FileInfo info = describe(target_.filename().native(), size_bytes_, digest_.hex_digest());
    if (expected_sha256 && *expected_sha256 != info.sha256)
      return fail(Errc::validation_failed, "The file's SHA-256 is not the one given.", "sha256");
    if (fsync(fd_.get()) != 0) return disk_error(errno);
    if (auto placed = put_in_place(root_, temporary_, target_); !placed) return placed.error();
    fd_.reset();
    return info;
  }

 private:
  const fs::path root_, temporary_, target_;
  UniqueFd fd_;  // open: temporary_ is there and ours to drop
  Sha256 digest_;
  std::uint64_t size_bytes_ = 0;
  std::optional<Error> write_error_;  // a piece is missing: it can't be finished any more
};

class DirBlobStore final : public BlobStore {
 public:
  DirBlobStore(fs::path root, std::string_view writer)
      : root_(std::move(root)),
        temporary_(writer.empty() ? root_ / "tmp" : root_ / "tmp" / writer) {}
  Result<void> set_up();

  Result<std::unique_ptr<BlobWriter>> create(TaskId task, const BlobFolder& folder,
                                             std::string_view name) override;
  Result<FileInfo> adopt(const std::string& path, TaskId task, const BlobFolder& folder,
                         std::string_view name) override;
  Result<BlobFile> open(TaskId task, const BlobFolder& folder, std::string_view name) override;
  Result<void> remove(TaskId task) override;
  Result<void> remove_outputs_before(TaskId task, std::uint32_t attempt) override;
  Result<void> check() override {
    return ::access(temporary_.c_str(), W_OK | X_OK) == 0 ? Result<void>() : disk_error(errno);
  }
  Result<std::string> mark(const std::string& installation) override {
    return read_or_make_mark(root_ / "installation", installation);
  }
  Result<std::vector<TaskId>> list_tasks(int part) override;

 private:
  fs::path temporary() { return temporary_ / std::to_string(++last_temporary_); }
  fs::path folder_of(TaskId task) const {
    const std::string id = to_string(task);
    return root_ / "files" / id.substr(id.size() - 2) / id;  // the random end, not the time
  }
  fs::path place_of(TaskId task, const BlobFolder& folder, std::string_view name) const {
    return folder_of(task) / folder.name() / name;
  }
  Result<void> remove_folder(const fs::path& folder);
  Result<FileInfo> copy_in(int fd, const fs::path& target);
  Result<FileInfo> move_in(int fd, const fs::path& held, const fs::path& target);

  const fs::path root_, temporary_;  // the second for this store alone
  std::atomic<std::uint64_t> last_temporary_{0};
};

Result<void> DirBlobStore::set_up() {
  std::error_code error;
  if (!root_.parent_path().empty()) fs::create_directories(root_.parent_path(), error);
  if (error) return disk_error(error.value());
  for (const fs::path& folder : {root_, root_ / "files", temporary_})
    if (auto made = make_folders(root_, folder); !made) return made;
  for (const auto& left : fs::directory_iterator(temporary_, error)) {
    std::error_code ignored;  // one that can't be removed must not keep the server from starting
    fs::remove_all(left.path(), ignored);
  }
  if (error) return disk_error(error.value());
  // One that could not be swept keeps its number.
  while (fs::exists(fs::symlink_status(temporary_ / std::to_string(last_temporary_ + 1), error)))
    ++last_temporary_;
  return {};
}

Result<std::unique_ptr<BlobWriter>> DirBlobStore::create(TaskId task, const BlobFolder& folder,
                                                         std::string_view name) {
  if (auto checked = check_file_name(name); !checked) return checked.error();
  auto writer = std::make_unique<DirBlobWriter>(root_, temporary(), place_of(task, folder, name));
  if (auto opened = writer->open(); !opened) return opened.error();
  return std::unique_ptr<BlobWriter>(std::move(writer));
}

Result<FileInfo> DirBlobStore::adopt(const std::string& path, TaskId task, const BlobFolder& folder,
                                     std::string_view name) {
  if (auto checked = check_file_name(name); !checked) return checked.error();
  const auto opened = open_plain_file(path);
  if (!opened) return opened.error();
  const UniqueFd& fd = *opened;
  struct stat before {};
  if (fstat(fd.get(), &before) != 0) return disk_error(errno);

  const fs::path target = place_of(task, folder, name);
  // The owner of a file can go on writing it after a move: one of another user is copied.
  if (before.st_uid == geteuid()) {
    const fs::path held = temporary();
    if (rename(path.c_str(), held.c_str()) == 0) {
      struct stat after {};
      const bool is_same = lstat(held.c_str(), &after) == 0 && after.st_dev == before.st_dev &&
                           after.st_ino == before.st_ino && after.st_nlink == 1;
      Result<FileInfo> moved =
          is_same ? move_in(fd.get(), held, target)
                  : fail(Errc::validation_failed, "The file was replaced meanwhile.", "name");
      // Given back, so that it can be tried again; what was slipped in goes back too.
      if (moved.has_error()) (void)rename(held.c_str(), path.c_str());
      return moved;
    }
    if (errno != EXDEV && errno != EACCES && errno != EPERM) return disk_error(errno);
  }
  Result<FileInfo> copied = copy_in(fd.get(), target);
  if (copied.has_value()) ::unlink(path.c_str());
  return copied;
}

Result<FileInfo> DirBlobStore::copy_in(int fd, const fs::path& target) {
  DirBlobWriter writer(root_, temporary(), target);
  if (auto opened = writer.open(); !opened) return opened.error();
  const auto copied = read_all(fd, [&](std::string_view piece) { return writer.write(piece); });
  if (!copied) return copied.error();
  return writer.finish(std::nullopt);
}

Result<FileInfo> DirBlobStore::move_in(int fd, const fs::path& held, const fs::path& target) {
  Sha256 digest;
  std::uint64_t size_bytes = 0;
  const auto hashed = read_all(fd, [&](std::string_view piece) -> Result<void> {
    digest.add(piece);
    size_bytes += piece.size();
    return {};
  });
  if (!hashed) return hashed.error();
  if (fchmod(fd, kFileMode) != 0 || fsync(fd) != 0) return disk_error(errno);
  if (auto placed = put_in_place(root_, held, target); !placed) return placed.error();
  return describe(target.filename().native(), size_bytes, digest.hex_digest());
}

Result<BlobFile> DirBlobStore::open(TaskId task, const BlobFolder& folder, std::string_view name) {
  if (auto checked = check_file_name(name); !checked) return checked.error();
  UniqueFd fd(
      ::open(place_of(task, folder, name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return disk_error(errno);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return disk_error(errno);
  if (!S_ISREG(status.st_mode)) return fail(Errc::not_found, "There is no such file.");
  return file_of(std::move(fd), static_cast<std::uint64_t>(status.st_size));
}

// First out of sight by one rename, then file by file; a crash in between is swept at the start.
Result<void> DirBlobStore::remove_folder(const fs::path& folder) {
  const fs::path held = temporary();
  if (rename(folder.c_str(), held.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return disk_error(errno);
  }
  if (auto synced = sync_folder(folder.parent_path()); !synced) return synced;
  std::error_code error;
  fs::remove_all(held, error);
  if (error) return disk_error(error.value());
  return {};
}

Result<void> DirBlobStore::remove(TaskId task) { return remove_folder(folder_of(task)); }

Result<void> DirBlobStore::remove_outputs_before(TaskId task, std::uint32_t attempt) {
  std::vector<fs::path> earlier;
  std::error_code error;
  for (fs::directory_iterator at(folder_of(task), error), end; !error && at != end;
       at.increment(error))
    if (BlobFolder::attempt_of(at->path().filename().native()).value_or(attempt) < attempt)
      earlier.push_back(at->path());
  if (error && error != std::errc::no_such_file_or_directory) return disk_error(error.value());
  for (const fs::path& folder : earlier)
    if (auto gone = remove_folder(folder); !gone) return gone;
  return {};
}

// A part is a folder of folder_of().
Result<std::vector<TaskId>> DirBlobStore::list_tasks(int part) {
  const std::string name = to_hex(std::string(1, static_cast<char>(part)));
  std::vector<TaskId> tasks;
  std::error_code error;
  for (fs::directory_iterator at(root_ / "files" / name, error), end; !error && at != end;
       at.increment(error))
    if (const auto id = TaskId::parse(at->path().filename().native())) tasks.push_back(*id);
  if (error && error != std::errc::no_such_file_or_directory) return disk_error(error.value());
  return tasks;
}

}  // namespace

Result<std::unique_ptr<BlobStore>> open_dir_blob_store(const fs::path& root,
                                                       std::string_view writer) {
  std::error_code error;
  const fs::path absolute = fs::absolute(root, error).lexically_normal();
  if (error) return disk_error(error.value());
  auto engine = std::make_unique<DirBlobStore>(
      absolute.has_filename() ? absolute : absolute.parent_path(), writer);
  if (auto done = engine->set_up(); !done) return done.error();
  return std::unique_ptr<BlobStore>(std::move(engine));
}

}  // namespace tandem::blobs
