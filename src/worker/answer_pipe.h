#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "io/asio.h"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

namespace tandem::worker {

// The pipe on which a job reads the answers to its questions, one JSON object a line. Lines that
// the job does not read wait here, in order. The loop's thread only.
class AnswerPipe {
 public:
  explicit AnswerPipe(io::Executor executor);
  ~AnswerPipe();
  AnswerPipe(const AnswerPipe&) = delete;
  AnswerPipe& operator=(const AnswerPipe&) = delete;

  // The end for the job. internal: no descriptors.
  Result<UniqueFd> open();
  // Data that is not UTF-8 comes as data_base64.
  void answer(std::string_view request_id, std::string_view data);
  void end();  // says eof, then closes
  void close();

 private:
  struct State;
  void push(std::string line);
  std::shared_ptr<State> state_;
};

}  // namespace tandem::worker
