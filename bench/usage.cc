#include "usage.h"

#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace tandem::bench {
namespace {

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid); }

// The process first. A child is listed with the thread that made it.
std::vector<pid_t> tree_of(pid_t root) {
  std::vector<pid_t> tree = {root};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    std::error_code error;  // a process may end meanwhile
    for (std::filesystem::directory_iterator thread(folder_of(tree[i]) + "/task", error), end;
         !error && thread != end; thread.increment(error)) {
      std::ifstream children(thread->path() / "children");
      for (pid_t child = 0; children >> child;) tree.push_back(child);
    }
  }
  return tree;
}

// proc(5): utime, stime, cutime and cstime are the 14th to 17th field, counted from the pid; the
// second one, the name, may hold spaces and ends with the last ')'.
double own_cpu_seconds(pid_t pid) {
  std::ifstream file(folder_of(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  if (text.empty()) return 0;
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double ticks = 0, one = 0;
  for (int i = 0; i < 4 && rest >> one; ++i) ticks += one;
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double own_memory_bytes(pid_t pid) {
  std::ifstream file(folder_of(pid) + "/smaps_rollup");
  std::string word;
  double kib = 0;
  while (file >> word && word != "Pss:") file.ignore(std::numeric_limits<int>::max(), '\n');
  file >> kib;
  return kib * 1024;
}

}  // namespace

double cpu_seconds(pid_t pid) {
  double sum = 0;
  for (const pid_t one : tree_of(pid)) sum += own_cpu_seconds(one);
  return sum;
}

double memory_bytes(pid_t pid) {
  double sum = 0;
  for (const pid_t one : tree_of(pid)) sum += own_memory_bytes(one);
  return sum;
}

std::int64_t now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

void wait_until_us(std::int64_t when_us) {
  const timespec when{when_us / 1'000'000, when_us % 1'000'000 * 1000};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr);
}

}  // namespace tandem::bench
