#include <fmt/core.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/session.h"
#include "app/cli/task_text.h"
#include "wire/json_writer.h"
#include "wire/task_json.h"

namespace tandem::app::cli {
namespace {

namespace fs = std::filesystem;

struct DownloadFlags {
  std::string task_id, to, name;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Written beside, then renamed: there is never half a file under the name.
Result<std::uint64_t> fetch(Session& session, const std::string& path, const fs::path& to) {
  const fs::path beside = to.string() + ".part";
  File file(to == "-" ? nullptr : std::fopen(beside.c_str(), "wb"));
  if (!file && to != "-") return fail(Errc::bad_request, "Can't write " + to.string());
  std::FILE* out = file ? file.get() : stdout;
  std::uint64_t bytes = 0;
  bool is_written = true;
  net::HttpCall call;
  call.sink = [&](std::string_view piece) {
    bytes += piece.size();
    is_written = std::fwrite(piece.data(), 1, piece.size(), out) == piece.size();
    return is_written;
  };
  const auto answer = session.perform(path, std::move(call));
  is_written = std::fflush(out) == 0 && is_written;
  std::error_code error;
  if (answer && is_written && file) fs::rename(beside, to, error);
  if (answer && is_written && !error) return bytes;
  if (file) fs::remove(beside, error);
  if (!is_written) return fail(Errc::disk_full, "Can't write " + to.string());
  return answer ? fail(Errc::internal, "Can't write " + to.string()) : answer.error();
}

std::string safe_name(const std::string& name) {
  const std::string last = fs::path(name).filename().string();
  return last.empty() || last == "." || last == ".." ? "output" : last;
}

struct Fetched {
  std::string path;
  std::uint64_t size_bytes = 0;
};

int print_all(const std::vector<Fetched>& files, bool json) {
  std::string line;
  wire::JsonWriter writer(line);
  writer.begin_object().key("files").begin_array();
  for (const Fetched& file : files) {
    if (!json) fmt::print(stderr, "{}  {}\n", plain(file.path), size_text(file.size_bytes));
    writer.begin_object()
        .member("path", file.path)
        .key("size_bytes")
        .integer(static_cast<std::int64_t>(file.size_bytes));
    writer.end_object();
  }
  writer.end_array().end_object();
  if (json) fmt::print("{}\n", line);
  return exit_code::kOk;
}

std::string path_of(const DownloadFlags& flags, const std::string& name) {
  return task_path(flags.task_id, "/download?name=" + escaped(name));
}

// Into a directory: each output as a file. To a file: all of them as a zip, or the one named.
int download(Session& session, const DownloadFlags& flags, bool json) {
  const fs::path to = flags.to;
  const bool into_directory = to.empty() || fs::is_directory(to) || flags.to.ends_with('/');
  std::vector<Fetched> fetched;
  if (!into_directory) {
    const std::string path =
        flags.name.empty() ? task_path(flags.task_id, "/download") : path_of(flags, flags.name);
    const auto bytes = fetch(session, path, to);
    if (!bytes) return report(bytes.error());
    if (to == "-") return exit_code::kOk;
    fetched.push_back({to.string(), *bytes});
    return print_all(fetched, json);
  }
  const auto body = session.get(task_path(flags.task_id));
  if (!body) return report(body.error());
  const auto task = wire::decode_task(*body);
  if (!task) return report(task.error());
  std::error_code ignored;
  if (!to.empty()) fs::create_directories(to, ignored);
  std::vector<std::string> names;
  if (!flags.name.empty()) names.push_back(flags.name);
  for (const FileInfo& file : task->outputs)
    if (flags.name.empty()) names.push_back(file.name);
  if (names.empty())
    return report(fail(
        is_terminal(task->status) ? Errc::no_output : Errc::not_finished,
        is_terminal(task->status) ? "The task has left no files" : "The task has not ended yet"));
  for (const std::string& name : names) {
    const fs::path file = to / safe_name(name);
    const auto bytes = fetch(session, path_of(flags, name), file);
    if (!bytes) return report(bytes.error());
    fetched.push_back({file.string(), *bytes});
  }
  return print_all(fetched, json);
}

}  // namespace

void add_download(const Menu& menu) {
  const Command command = menu.client_command("download", "Fetch the files that a task has made");
  auto flags = std::make_shared<DownloadFlags>();
  command.option("task_id", flags->task_id, "The task").required();
  command.option("-o,--output", flags->to,
                 "A directory (each file; default: here), a file (a zip), or - (stdout)");
  command.option("--name", flags->name, "This file only");
  menu.on(command, [flags, &login = menu.login] {
    return with_session(login,
                        [&](Session& session) { return download(session, *flags, login.json); });
  });
}

}  // namespace tandem::app::cli
