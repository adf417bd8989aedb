#include "exec/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/unique_fd.h"

namespace tandem::exec {

namespace {
struct Stat {
  pid_t parent = 0;
  char state = '?';
};

// The name in parentheses may hold anything, so the fields are read from the last ')'.
bool read_stat(int proc, const char* pid, Stat& stat) {
  const std::string path = std::string(pid) + "/stat";
  const UniqueFd file(::openat(proc, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  std::array<char, 512> text{};
  const ssize_t length = ::read(file.get(), text.data(), text.size() - 1);
  if (length <= 0) return false;
  const char* close = std::strrchr(text.data(), ')');
  if (!close || std::strlen(close) < 5) return false;
  stat.state = close[2];
  return std::from_chars(close + 4, text.data() + length, stat.parent).ec == std::errc();
}
}  // namespace

std::vector<pid_t> descendants_of(pid_t root, const std::unordered_set<pid_t>& except) {
  std::unordered_map<pid_t, std::vector<std::pair<pid_t, bool>>> children;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (!proc) return {};
  while (const dirent* entry = ::readdir(proc.get())) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    const auto parsed = std::from_chars(entry->d_name, end, pid);
    if (parsed.ec != std::errc() || parsed.ptr != end) continue;
    Stat stat;
    if (!read_stat(::dirfd(proc.get()), entry->d_name, stat)) continue;
    children[stat.parent].emplace_back(pid, stat.state != 'Z' && stat.state != 'X');
  }
  std::vector<pid_t> alive, open{root};
  for (std::size_t next = 0; next < open.size(); ++next) {
    const auto found = children.find(open[next]);
    if (found == children.end()) continue;
    for (const auto& [pid, living] : found->second) {
      if (except.contains(pid)) continue;
      open.push_back(pid);
      if (living) alive.push_back(pid);
    }
  }
  return alive;
}

int signal_all(const std::vector<pid_t>& pids, int signal) {
  for (const pid_t pid : pids) ::kill(pid, signal);
  return static_cast<int>(pids.size());
}

}  // namespace tandem::exec
