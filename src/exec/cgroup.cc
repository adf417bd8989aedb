#include "exec/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::exec {

namespace {
constexpr const char* kPrefix = "tandem-";

bool write_file(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::vector<std::string> entries_of(const std::string& directory, const std::string& prefix) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name.starts_with(prefix) && name != "." && name != "..") names.push_back(name);
  }
  return names;
}

// The directory of this process in a hierarchy: its mount point and its path in it.
std::string own_directory(const std::string& type, const std::string& controller) {
  std::string mount, line, path;
  std::ifstream mounts("/proc/self/mounts");
  while (std::getline(mounts, line)) {
    std::istringstream fields(line);
    std::string device, where, kind, options;
    fields >> device >> where >> kind >> options;
    if (kind != type) continue;
    const bool has_controller =
        ("," + options + ",").find("," + controller + ",") != std::string::npos;
    if (controller.empty() || has_controller) mount = where;
  }
  if (mount.empty()) return {};
  std::ifstream groups("/proc/self/cgroup");
  const std::string wanted = ":" + controller + ":";
  while (std::getline(groups, line)) {
    const auto at = line.find(wanted);
    if (at != std::string::npos) path = line.substr(at + wanted.size());
  }
  const std::string own = mount + (path == "/" ? "" : path);
  struct stat found {};
  return ::stat(own.c_str(), &found) == 0 ? own : mount;
}

void remove_group(const std::string& path) {
  for (const std::string& name : entries_of(path, "job-")) ::rmdir((path + "/" + name).c_str());
  ::rmdir(path.c_str());
}

void remove_stale(const std::string& parent) {
  for (const std::string& name : entries_of(parent, kPrefix)) {
    const std::string digits = name.substr(std::char_traits<char>::length(kPrefix));
    pid_t owner = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), owner);
    if (owner <= 0 || ::kill(owner, 0) == 0 || errno != ESRCH) continue;
    write_file(parent + "/" + name + "/cgroup.kill", "1");
    remove_group(parent + "/" + name);
  }
}

bool make_directory(const std::string& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

std::string make_group(const std::string& parent) {
  if (parent.empty()) return {};
  remove_stale(parent);
  std::string path = parent + "/" + kPrefix + std::to_string(::getpid());
  return make_directory(path) ? path : std::string();
}

std::string name_of_job(std::int64_t number) { return "/job-" + std::to_string(number); }

CgroupController find_controller(const std::string& v2_path, const std::string& name) {
  CgroupController found;
  found.v2 = !v2_path.empty() && write_file(v2_path + "/cgroup.subtree_control", "+" + name);
  if (!found.v2) found.v1_path = make_group(own_directory("cgroup", name));
  return found;
}

std::uint64_t count_in(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  std::uint64_t count = 0;
  if (at == std::string_view::npos) return count;
  text.remove_prefix(at + name.size());
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}
}  // namespace

CgroupRoot CgroupRoot::make(Capabilities& capabilities) {
  CgroupRoot root;
#if defined(__x86_64__)
  root.path = make_group(own_directory("cgroup2", ""));
#endif
  if (!root.path.empty() && ::access((root.path + "/cgroup.kill").c_str(), W_OK) != 0) {
    ::rmdir(root.path.c_str());
    root.path.clear();
  }
  if (!root.path.empty()) capabilities.containment = Containment::cgroup;
  root.memory = find_controller(root.path, "memory");
  root.pids = find_controller(root.path, "pids");
  capabilities.memory_limit = root.memory.is_there();
  capabilities.process_limit = root.pids.is_there();
  return root;
}

void CgroupRoot::kill_all() const {
  if (!path.empty()) write_file(path + "/cgroup.kill", "1");
}

void CgroupRoot::remove() const {
  for (const std::string& group : {path, memory.v1_path, pids.v1_path}) {
    if (!group.empty()) remove_group(group);
  }
}

void CgroupRoot::kill_job(std::int64_t number) const {
  if (!path.empty()) write_file(path + name_of_job(number) + "/cgroup.kill", "1");
}

void CgroupRoot::remove_job(std::int64_t number) const {
  for (const std::string& group : {path, memory.v1_path, pids.v1_path}) {
    if (!group.empty()) ::rmdir((group + name_of_job(number)).c_str());
  }
}

JobCgroup JobCgroup::make(const CgroupRoot& root, std::int64_t number) {
  JobCgroup group;
  const auto limited = [number](const CgroupController& controller) {
    Limited made{.v2 = controller.v2};
    if (!controller.v1_path.empty()) made.v1_path = controller.v1_path + name_of_job(number);
    return made;
  };
  group.memory_ = limited(root.memory);
  group.pids_ = limited(root.pids);
  if (root.path.empty()) return group;
  group.path_ = root.path + name_of_job(number);
  if (!group.make_v2()) return {};
  return group;
}

bool JobCgroup::make_v2() {
  if (!make_directory(path_)) return false;
  directory_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  kill_.reset(::open((path_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  // Held open, or the kernel makes its inode anew for each birth into the group.
  procs_.reset(::open((path_ + "/cgroup.procs").c_str(), O_RDONLY | O_CLOEXEC));
  return directory_ && kill_;
}

void JobCgroup::kill() {
  if (!kill_) return;
  was_killed_ = true;
  [[maybe_unused]] const ssize_t written = ::write(kill_.get(), "1", 1);
}

bool JobCgroup::renew() {
  if (!std::exchange(was_killed_, false)) return true;
  directory_.reset();
  kill_.reset();
  procs_.reset();
  if (memory_.v2) oom_events_.reset();
  if (memory_.v2) memory_.limit.reset();
  if (pids_.v2) pids_.limit.reset();
  return ::rmdir(path_.c_str()) == 0 && make_v2();
}

bool JobCgroup::make_v1(Limited& controller) {
  controller.is_made = controller.is_made || controller.v2 ||
                       (!controller.v1_path.empty() && make_directory(controller.v1_path));
  return controller.is_made;
}

bool JobCgroup::limit_memory(std::optional<std::uint64_t> bytes) {
  if (bytes == memory_.limit) return bytes.has_value() && !memory_.failed;
  memory_.limit = bytes;
  memory_procs_.reset();
  memory_.failed = !make_v1(memory_);
  if (memory_.failed) return false;
  const std::string& directory = memory_.v2 ? path_ : memory_.v1_path;
  const auto open = [&directory](UniqueFd& file, const char* name, int flags) {
    if (!file) file.reset(::open((directory + name).c_str(), flags | O_CLOEXEC));
  };
  if (memory_.v2) {
    open(oom_events_, "/memory.events", O_RDONLY);
    write_file(directory + "/memory.swap.max", bytes ? "0" : "max");
    write_file(directory + "/memory.oom.group", bytes ? "1" : "0");
    memory_.failed = !write_file(directory + "/memory.max", bytes ? std::to_string(*bytes) : "max");
  } else if (bytes) {
    open(oom_events_, "/memory.oom_control", O_RDONLY);
    memory_.failed = !write_file(directory + "/memory.limit_in_bytes", std::to_string(*bytes));
    if (!memory_.failed) open(memory_procs_, "/cgroup.procs", O_WRONLY);
  }
  return bytes.has_value() && !memory_.failed;
}

bool JobCgroup::limit_processes(std::optional<std::uint64_t> count) {
  if (count == pids_.limit) return count.has_value() && !pids_.failed;
  pids_.limit = count;
  const bool is_first = !pids_.is_made;
  pids_.failed = pids_.failed || !make_v1(pids_);
  const std::string& directory = pids_.v2 ? path_ : pids_.v1_path;
  if (!pids_.failed && !pids_.v2 && is_first)
    pids_.failed = !write_file(directory + "/cgroup.procs", "0");
  if (pids_.failed) return false;
  const std::uint64_t shepherd = pids_.v2 ? 0 : 1;  // it is in there with its job
  const std::string text = count ? std::to_string(*count + shepherd) : "max";
  pids_.failed = !write_file(directory + "/pids.max", text);
  return count.has_value() && !pids_.failed;
}

std::uint64_t JobCgroup::oom_kills() const {
  std::array<char, 512> text{};
  const ssize_t length = oom_events_ ? ::pread(oom_events_.get(), text.data(), text.size(), 0) : 0;
  if (length <= 0) return 0;
  return count_in({text.data(), static_cast<std::size_t>(length)}, "oom_kill ");
}

}  // namespace tandem::exec
