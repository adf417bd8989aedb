#include "exec/control_pipe.h"

#include <utility>

namespace tandem::exec {

std::vector<std::string> ControlPipe::push(std::string_view data) {
  std::vector<std::string> lines;
  while (!data.empty()) {
    const auto end = data.find('\n');
    take(data.substr(0, end));
    if (end == std::string_view::npos) break;
    end_line(lines);
    data.remove_prefix(end + 1);
  }
  return lines;
}

std::vector<std::string> ControlPipe::finish() {
  std::vector<std::string> lines;
  end_line(lines);
  return lines;
}

void ControlPipe::take(std::string_view part) {
  if (dropping_) return;
  if (line_.size() + part.size() > kMaxLineBytes) {
    dropping_ = true;
    line_.clear();
    return;
  }
  line_.append(part);
}

void ControlPipe::end_line(std::vector<std::string>& lines) {
  if (dropping_) ++dropped_lines_;
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  if (!line_.empty()) lines.push_back(std::exchange(line_, {}));
  dropping_ = false;
}

}  // namespace tandem::exec
