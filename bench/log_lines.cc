#include "log_lines.h"

#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <filesystem>

namespace tandem::bench {
namespace {

constexpr std::size_t kWriteBytes = 64 * 1024;

void make_line(std::uint64_t number, char* line) {
  std::fill_n(line, kLineBytes - 1, 'x');
  line[kLineBytes - 1] = '\n';
  for (int place = 11; place >= 0; --place, number /= 10)
    line[place] = static_cast<char>('0' + number % 10);
}

}  // namespace

int emit_lines(std::uint64_t lines) {
  std::string block;
  for (std::uint64_t number = 0; number < lines;) {
    block.resize(std::min<std::uint64_t>(kWriteBytes / kLineBytes, lines - number) * kLineBytes);
    for (std::size_t at = 0; at < block.size(); at += kLineBytes)
      make_line(number++, block.data() + at);
    for (std::size_t done = 0; done < block.size();) {
      const ssize_t wrote = ::write(STDOUT_FILENO, block.data() + done, block.size() - done);
      if (wrote <= 0) return 1;
      done += static_cast<std::size_t>(wrote);
    }
  }
  return 0;
}

std::string emitting_task(std::uint64_t lines) {
  const std::string own = std::filesystem::read_symlink("/proc/self/exe").string();
  const boost::json::object payload{{"job_type", "exec"},
                                    {"argv", {own, "emit-lines", std::to_string(lines)}}};
  return boost::json::serialize(boost::json::object{{"payload", payload}});
}

bool LineChecker::take(std::string_view bytes) {
  while (good_ && !bytes.empty()) {
    const std::size_t at = bytes_ % kLineBytes;
    if (at == 0) make_line(bytes_ / kLineBytes, line_.data());
    const std::size_t size = std::min(kLineBytes - at, bytes.size());
    good_ = std::string_view(line_).substr(at, size) == bytes.substr(0, size);
    bytes_ += size;
    bytes.remove_prefix(size);
  }
  return good_;
}

}  // namespace tandem::bench
