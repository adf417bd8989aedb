#include "app/isolation.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace tandem::app {
namespace {

namespace fs = std::filesystem;

bool may_enter(const fs::path& directory, const config::JobUser& user) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) return true;  // is made later, open to all
  if (status.st_uid == user.uid) return (status.st_mode & S_IXUSR) != 0;
  if (status.st_gid == user.gid) return (status.st_mode & S_IXGRP) != 0;
  return (status.st_mode & S_IXOTH) != 0;
}

bool may_reach(const std::string& work_dir, const config::JobUser& user) {
  if (work_dir.empty()) return false;
  std::error_code error;
  for (fs::path at = fs::absolute(work_dir, error); at != at.root_path(); at = at.parent_path())
    if (!may_enter(at, user)) return false;
  return !error;
}

}  // namespace

std::vector<std::string> unmet_isolation(const config::WorkerFile& file,
                                         const exec::Capabilities& system,
                                         const std::string& work_dir) {
  std::vector<std::string> sentences;
  const auto look = [&](const std::string& name, const config::JobRules& rules) {
    if (!rules.network && !system.no_network)
      sentences.push_back(name +
                          ".isolation.network: this system cannot cut jobs off the network.");
    if (!rules.user || rules.user->uid == ::geteuid()) return;
    if (!system.other_users)
      sentences.push_back(name + ".isolation.user: this process may not change users.");
    else if (!may_reach(work_dir, *rules.user))
      sentences.push_back(name + ".isolation.user: " + rules.user->name +
                          " cannot enter the work directory" +
                          (work_dir.empty() ? " in the data directory" : " " + work_dir) +
                          "; set TANDEM_WORK_DIR to one that it can.");
  };
  look("defaults", file.defaults);
  for (const auto& [job_type, entry] : file.handlers) look("handlers." + job_type, entry.rules);
  return sentences;
}

}  // namespace tandem::app
