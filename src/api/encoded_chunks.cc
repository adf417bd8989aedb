#include "api/encoded_chunks.h"

#include "wire/task_frames.h"

namespace tandem::api {
namespace {

constexpr std::size_t kFrameDataBytes = 64 * 1024;

std::size_t bytes_of(const LogFrames& frames) {
  std::size_t bytes = 0;
  for (const auto& frame : frames) bytes += frame->size();
  return bytes;
}

}  // namespace

wire::LogLine line_of(const logs::LogRecord& record) {
  return {.seq = record.seq,
          .ts = record.ts,
          .attempt = record.attempt,
          .stream = to_string(record.stream),
          .data = record.data};
}

std::string position_text(logs::LogPosition position) {
  return std::to_string(position.attempt) + "-" + std::to_string(position.seq);
}

LogFrames encode_frames(const LogPiece& piece) {
  LogFrames frames;
  std::vector<wire::LogLine> lines;
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (lines.empty()) return;
    auto frame = std::make_shared<std::string>();
    frame->reserve(bytes + 128 * lines.size());
    wire::encode_log_frame(lines, *frame);
    // It may wait long for a slow reader: what escapes have made it grow beyond its size goes back.
    if (frame->capacity() > frame->size() + frame->size() / 4) frame->shrink_to_fit();
    frames.push_back(std::move(frame));
    lines.clear();
    bytes = 0;
  };
  for (std::size_t i = piece.first; i < piece.chunk->size(); ++i) {
    const logs::LogRecord& record = (*piece.chunk)[i];
    if (bytes + record.data.size() > kFrameDataBytes) flush();
    lines.push_back(line_of(record));
    bytes += record.data.size();
  }
  flush();
  return frames;
}

LogFrames EncodedChunks::frames_of(const LogPiece& piece) {
  if (!piece.is_shared || piece.first != 0) return encode_frames(piece);
  const void* key = piece.chunk.get();
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end() && found->second.chunk.lock() == piece.chunk)
      return found->second.frames;
  }
  LogFrames frames = encode_frames(piece);
  const std::lock_guard lock(mutex_);
  forget(key);
  entries_.emplace(key, Entry{piece.chunk, frames});
  order_.push_back(key);
  bytes_ += bytes_of(frames);
  while (order_.size() > 1 && (bytes_ > kMaxBytes || order_.size() > kMaxEntries))
    forget(order_.front());
  return frames;
}

void EncodedChunks::forget(const void* key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  bytes_ -= bytes_of(found->second.frames);
  entries_.erase(found);
  std::erase(order_, key);
}

}  // namespace tandem::api
