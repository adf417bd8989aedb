#include "exec/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <memory>
#include <sstream>
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

std::string make_group(const std::string& parent) {
  if (parent.empty()) return {};
  remove_stale(parent);
  std::string path = parent + "/" + kPrefix + std::to_string(::getpid());
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST ? path : std::string();
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
  if (root.path.empty()) {
    capabilities.missing.push_back(
        "No writable cgroup v2 with cgroup.kill: the processes of a job are found by lineage.");
  } else {
    capabilities.containment = Containment::cgroup;
    root.memory_v2 = write_file(root.path + "/cgroup.subtree_control", "+memory");
  }
  if (!root.memory_v2 && !root.path.empty()) {
    root.memory_path = make_group(own_directory("cgroup", "memory"));
  }
  capabilities.memory_limit = root.memory_v2 || !root.memory_path.empty();
  if (!capabilities.memory_limit) {
    capabilities.missing.push_back(
        "No writable memory cgroup: a memory limit bounds the address space of each process.");
  }
  return root;
}

void CgroupRoot::kill_all() const {
  if (!path.empty()) write_file(path + "/cgroup.kill", "1");
}

void CgroupRoot::remove() const {
  if (!path.empty()) remove_group(path);
  if (!memory_path.empty()) remove_group(memory_path);
}

void CgroupRoot::remove_job(std::int64_t number) const {
  const std::string name = "/job-" + std::to_string(number);
  if (!path.empty()) ::rmdir((path + name).c_str());
  if (!memory_path.empty()) ::rmdir((memory_path + name).c_str());
}

std::optional<JobCgroup> JobCgroup::make(const CgroupRoot& root, std::int64_t number) {
  if (root.path.empty()) return std::nullopt;
  JobCgroup group;
  group.path_ = root.path + "/job-" + std::to_string(number);
  if (::mkdir(group.path_.c_str(), 0755) != 0 && errno != EEXIST) return std::nullopt;
  group.directory_.reset(::open(group.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  group.kill_.reset(::open((group.path_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
  if (!group.directory_ || !group.kill_) return std::nullopt;
  group.memory_v2_ = root.memory_v2;
  if (!root.memory_path.empty()) {
    group.memory_path_ = root.memory_path + "/job-" + std::to_string(number);
  }
  return group;
}

void JobCgroup::kill() const {
  [[maybe_unused]] const ssize_t written = ::write(kill_.get(), "1", 1);
}

std::uint64_t JobCgroup::oom_kills() const {
  const std::string path =
      memory_v2_ ? path_ + "/memory.events" : memory_path_ + "/memory.oom_control";
  std::ifstream events(path);
  std::string name;
  std::uint64_t count = 0;
  while (events >> name >> count) {
    if (name == "oom_kill") return count;
  }
  return 0;
}

bool JobCgroup::limit_memory(std::uint64_t bytes) {
  const std::string text = std::to_string(bytes);
  if (memory_v2_) {
    write_file(path_ + "/memory.swap.max", "0");
    write_file(path_ + "/memory.oom.group", "1");
    return write_file(path_ + "/memory.max", text);
  }
  if (memory_path_.empty()) return false;
  if (!memory_procs_) {
    if (::mkdir(memory_path_.c_str(), 0755) != 0 && errno != EEXIST) return false;
  }
  if (!write_file(memory_path_ + "/memory.limit_in_bytes", text)) return false;
  memory_procs_.reset(::open((memory_path_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  return static_cast<bool>(memory_procs_);
}

void JobCgroup::unlimit_memory() {
  if (memory_v2_) write_file(path_ + "/memory.max", "max");
  memory_procs_.reset();  // the next job joins only where it has a limit of its own
}

}  // namespace tandem::exec
