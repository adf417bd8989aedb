#include "exec/oom_score.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace tandem::exec {

OomScore::OomScore() : file_(::open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC)) {
  std::array<char, 16> text{};
  const ssize_t length = file_ ? ::pread(file_.get(), text.data(), text.size(), 0) : 0;
  if (length > 0) own_.assign(text.data(), static_cast<std::size_t>(length));
}

void OomScore::write(const std::string& score) const {
  if (own_.empty()) return;
  [[maybe_unused]] const ssize_t written = ::pwrite(file_.get(), score.data(), score.size(), 0);
}

}  // namespace tandem::exec
