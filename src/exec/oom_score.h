#pragma once

#include <string>

#include "base/unique_fd.h"

namespace tandem::exec {

// The out-of-memory killer should take a job before it takes the server. A job is born with the
// score of its shepherd, so the shepherd has the job's while it starts one: the job's own file
// would have to be looked up anew each time, which costs more than all other steps before execve.
class OomScore {
 public:
  OomScore();  // of this process; without /proc nothing is changed
  void raise() const { write("500"); }
  void restore() const { write(own_); }

 private:
  void write(const std::string& score) const;

  UniqueFd file_;
  std::string own_;
};

}  // namespace tandem::exec
