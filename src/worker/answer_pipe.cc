#include "worker/answer_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <memory>
#include <utility>

#include "base/encoding.h"
#include "base/limits.h"
#include "wire/json_writer.h"

namespace tandem::worker {

struct AnswerPipe::State : std::enable_shared_from_this<State> {
  explicit State(io::Executor executor) : pipe(executor) {}

  // Most jobs ask nothing, so the loop does not hear of their pipe.
  void use() {
    if (!unused) return;
    boost::system::error_code error;
    pipe.assign(unused.get(), error);
    if (!error) unused.release();
  }

  // One write at a time; what the job does not read stays in the pipe, then here.
  void write_next() {
    if (writing || !pipe.is_open()) return;
    if (lines.empty()) {
      if (ending) pipe.close();
      return;
    }
    writing = true;
    const auto buffer = io::asio::buffer(lines.front());
    io::asio::async_write(pipe, buffer, [self = shared_from_this()](auto error, std::size_t) {
      self->writing = false;
      if (!self->lines.empty()) self->lines.pop_front();
      boost::system::error_code ignored;
      if (error) self->pipe.close(ignored);  // the job reads no more
      self->write_next();
    });
  }

  io::asio::posix::basic_stream_descriptor<io::Executor> pipe;
  UniqueFd unused;  // the end for writing, until there is something to write
  std::deque<std::string> lines;
  bool writing = false, ending = false;
};

AnswerPipe::AnswerPipe(io::Executor executor) : state_(std::make_shared<State>(executor)) {}

AnswerPipe::~AnswerPipe() { close(); }

Result<UniqueFd> AnswerPipe::open() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Errc::internal, "No descriptors are left.");
  state_->unused.reset(ends[1]);
  return UniqueFd(ends[0]);
}

void AnswerPipe::answer(std::string_view request_id, std::string_view data) {
  std::string line;
  wire::JsonWriter json(line);
  json.begin_object().member("type", "input").member("request_id", request_id);
  if (is_utf8(data))
    json.member("data", data);
  else
    json.member("data_base64", to_base64(data));
  json.end_object();
  push(std::move(line));
}

void AnswerPipe::end() {
  push(R"({"type":"eof"})");
  state_->ending = true;
  state_->write_next();
}

void AnswerPipe::push(std::string line) {
  state_->use();
  const bool is_full = state_->lines.size() >= limits::kMaxPendingInputPieces;
  if (is_full || state_->ending || !state_->pipe.is_open()) return;
  line += '\n';
  state_->lines.push_back(std::move(line));
  state_->write_next();
}

void AnswerPipe::close() {
  boost::system::error_code ignored;
  state_->unused.reset();
  state_->pipe.close(ignored);
}

}  // namespace tandem::worker
