#include "blobs/zip_stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace tandem::blobs {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

struct FreeArchive {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

// libarchive marks names as UTF-8 only where the thread's locale says that they are.
class Utf8Names {
 public:
  Utf8Names() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = uselocale(locale_);
  }
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;
  ~Utf8Names() {
    if (locale_ == nullptr) return;
    uselocale(before_);
    freelocale(locale_);
  }

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

Error broken() { return fail(Errc::internal, "The archive could not be made."); }

}  // namespace

struct ZipStream::State {
  State(std::vector<ZipEntry> all, ZipMethod zip_method)
      : entries(std::move(all)), method(zip_method), piece(kPieceBytes, '\0') {}
  // Freeing an archive that is not closed writes its end, which nobody wants any more.
  ~State() { is_dropped = true; }

  Result<void> advance();
  Result<void> open();
  Result<void> begin_entry();
  Result<void> copy_piece();

  std::vector<ZipEntry> entries;
  ZipMethod method;
  std::string piece;      // read buffer
  std::string made;       // bytes of the zip that were made
  std::size_t taken = 0;  // of these, handed out
  std::size_t current = 0;
  BlobFile file;             // the current one, while in_entry
  std::uint64_t offset = 0;  // in it
  bool in_entry = false, is_closed = false, is_broken = false, is_dropped = false;
  // The last member: freed first.
  std::unique_ptr<archive, FreeArchive> writer;
};

Result<void> ZipStream::State::open() {
  writer.reset(archive_write_new());
  TANDEM_ASSERT(writer != nullptr);
  const auto keep = [](archive*, void* self, const void* bytes, std::size_t count) -> la_ssize_t {
    State& state = *static_cast<State*>(self);
    if (!state.is_dropped) state.made.append(static_cast<const char*>(bytes), count);
    return static_cast<la_ssize_t>(count);
  };
  archive_write_set_format_zip(writer.get());
  const int chosen = method == ZipMethod::store
                         ? archive_write_zip_set_compression_store(writer.get())
                         : archive_write_zip_set_compression_deflate(writer.get());
  archive_write_set_bytes_per_block(writer.get(), 0);  // to keep() at once, no padding at the end
  const int opened = archive_write_open(writer.get(), this, nullptr, keep, nullptr);
  if (chosen != ARCHIVE_OK || opened != ARCHIVE_OK) return broken();
  return {};
}

Result<void> ZipStream::State::begin_entry() {
  const ZipEntry& next = entries[current];
  auto opened = next.open();
  if (!opened) return opened.error();
  file = std::move(*opened);
  const Utf8Names utf8_names;
  const std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new2(writer.get()));
  TANDEM_ASSERT(entry != nullptr);
  archive_entry_set_pathname(entry.get(), next.name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(file->size_bytes()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), next.modified.ms / 1000, 0);
  if (archive_write_header(writer.get(), entry.get()) < ARCHIVE_WARN) return broken();
  in_entry = true;
  offset = 0;
  return {};
}

Result<void> ZipStream::State::copy_piece() {
  if (offset == file->size_bytes()) {
    if (archive_write_finish_entry(writer.get()) < ARCHIVE_WARN) return broken();
    in_entry = false;
    file.reset();
    ++current;
    return {};
  }
  const auto wanted = std::min<std::uint64_t>(piece.size(), file->size_bytes() - offset);
  const auto got = file->read_at(offset, std::span(piece).first(wanted));
  if (!got) return got.error();
  if (*got == 0) return fail(Errc::internal, "A file of the archive could not be read.");
  if (archive_write_data(writer.get(), piece.data(), *got) != static_cast<la_ssize_t>(*got))
    return broken();
  offset += *got;
  return {};
}

Result<void> ZipStream::State::advance() {
  if (!writer) return open();
  if (in_entry) return copy_piece();
  if (current < entries.size()) return begin_entry();
  if (archive_write_close(writer.get()) != ARCHIVE_OK) return broken();
  is_closed = true;
  return {};
}

ZipStream::ZipStream(std::vector<ZipEntry> entries, ZipMethod method)
    : state_(std::make_unique<State>(std::move(entries), method)) {}
ZipStream::~ZipStream() = default;
ZipStream::ZipStream(ZipStream&&) noexcept = default;
ZipStream& ZipStream::operator=(ZipStream&&) noexcept = default;

Result<std::size_t> ZipStream::next(std::span<char> buffer) {
  TANDEM_ASSERT(!buffer.empty());
  State& state = *state_;
  if (state.is_broken) return broken();
  while (state.made.size() - state.taken < buffer.size() && !state.is_closed) {
    if (auto done = state.advance(); !done) {
      state.is_broken = true;
      return done.error();
    }
  }
  const std::size_t count = std::min(buffer.size(), state.made.size() - state.taken);
  std::memcpy(buffer.data(), state.made.data() + state.taken, count);
  state.taken += count;
  if (state.taken == state.made.size() || state.taken >= kPieceBytes) {
    state.made.erase(0, state.taken);
    state.taken = 0;
  }
  return count;
}

}  // namespace tandem::blobs
