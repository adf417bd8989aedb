#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/session.h"
#include "app/secret_fingerprint.h"
#include "app/storage.h"
#include "config/worker_file.h"
#include "exec/guard.h"
#include "wire/account_json.h"
#include "wire/json_writer.h"
#include "worker/handler_registry.h"

namespace tandem::app::cli {
namespace {

namespace fs = std::filesystem;

enum class Verdict : std::uint8_t { fine, note, bad };

struct Finding {
  Verdict verdict;
  std::string sentence;
};
using Findings = std::vector<Finding>;

constexpr std::uintmax_t kLittleSpaceBytes = 1ull << 30;

void look_at_directory(const fs::path& directory, Findings& out) {
  std::error_code error;
  if (!fs::exists(directory, error)) {
    out.push_back({Verdict::note, "The data directory " + directory.string() +
                                      " is not there yet; `tandem serve` makes it."});
    return;
  }
  if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    out.push_back(
        {Verdict::bad, "You may not write in the data directory " + directory.string() + "."});
    return;
  }
  const bool is_open = (fs::status(directory, error).permissions() &
                        (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none;
  if (is_open)
    out.push_back({Verdict::bad, "Others may look into " + directory.string() +
                                     ", which holds secrets; chmod 700 it."});
  const fs::space_info space = fs::space(directory, error);
  if (!error && space.available < kLittleSpaceBytes)
    out.push_back({Verdict::bad, fmt::format("Only {} MiB are left for {}.", space.available >> 20,
                                             directory.string())});
  if (!is_open) out.push_back({Verdict::fine, "The data directory is " + directory.string() + "."});
}

void look_at_secret(const config::Settings& settings, Findings& out) {
  const auto unfit = compare_secret_fingerprint(settings);
  if (!unfit)
    out.push_back({Verdict::bad, "The secret for tokens: " + unfit.error().detail + "."});
  else if (!unfit->empty())
    out.push_back({Verdict::bad, *unfit + "."});
}

void look_at_database(const config::Settings& settings, Findings& out) {
  std::error_code error;
  if (is_in_directory(settings) && !fs::exists(fs::path(settings.data_dir) / "tandem.db", error)) {
    out.push_back({Verdict::note, "There is no database yet; the first start makes it."});
    return;
  }
  const auto reader = open_reader(settings);
  if (!reader) {
    out.push_back({Verdict::bad, "The database can't be opened: " + reader.error().detail});
    return;
  }
  const auto stats = (*reader)->stats(std::nullopt, SystemClock().wall());
  if (!stats) {
    out.push_back({Verdict::bad, "The database can't be read: " + stats.error().detail});
    return;
  }
  std::int64_t tasks = 0;
  for (const auto& [key, count] : stats->counts) tasks += count;
  out.push_back({Verdict::fine, fmt::format("The database is well and holds {} tasks.", tasks)});
  look_at_secret(settings, out);
}

void look_at_guard(Findings& out) {
  const auto guard = exec::Guard::start();
  if (!guard) {
    out.push_back({Verdict::bad, "No job can be run: " + guard.error().detail});
    return;
  }
  const exec::Capabilities& can = (*guard)->capabilities();
  out.push_back({Verdict::fine, can.containment == exec::Containment::cgroup
                                    ? "Each job runs in a cgroup of its own."
                                    : "Jobs are kept together by their lineage."});
  for (const std::string& sentence : can.missing) out.push_back({Verdict::note, sentence});
}

void look_at_handlers(const config::Settings& settings, Findings& out) {
  const bool commands = settings.allow_exec == config::AllowExec::yes ||
                        (settings.allow_exec == config::AllowExec::auto_ && settings.is_loopback());
  auto file = config::read_worker_file(settings.worker_config, config::process_environment());
  if (!file) {
    const config::Violations violations = file.error();
    for (const std::string& sentence : violations.sentences)
      out.push_back({Verdict::bad, sentence});
    return;
  }
  const worker::HandlerRegistry registry(
      {.directory = settings.handlers_dir, .allow_commands = commands, .file = std::move(*file)});
  std::string names;
  for (const std::string& name : registry.job_types()) names += (names.empty() ? "" : ", ") + name;
  if (names.empty())
    out.push_back({Verdict::note,
                   "A worker here has no handlers: put some into " + settings.handlers_dir + "."});
  else
    out.push_back({Verdict::fine, "A worker here runs: " + names + "."});
}

void look_at_server(const config::Settings& settings, Findings& out) {
  auto login = find_login(settings);
  if (!login) {
    out.push_back({Verdict::note, login.error().detail + "."});
    return;
  }
  net::HttpClient http(net::HttpClientOptions{.ca_file = login->ca_file});
  const auto health = http.get(login->server + "/health");
  if (!health || health->status != 200) {
    out.push_back({Verdict::bad,
                   "The server at " + login->server +
                       (health ? " is not well." : " can't be reached: " + health.error().detail)});
    return;
  }
  out.push_back({Verdict::fine, "The server at " + login->server + " is well."});
  Session session(std::move(*login));
  const auto token = session.token();
  out.push_back(token ? Finding{Verdict::fine, "It knows your client."}
                      : Finding{Verdict::bad, "It does not let you in: " + token.error().detail});
}

int print_findings(const Findings& findings, bool json) {
  bool is_well = true;
  std::string text;
  wire::JsonWriter writer(text);
  writer.begin_object().key("findings").begin_array();
  for (const Finding& finding : findings) {
    is_well = is_well && finding.verdict != Verdict::bad;
    const char* mark = finding.verdict == Verdict::fine   ? "ok"
                       : finding.verdict == Verdict::note ? "note"
                                                          : "bad";
    if (!json) fmt::print("{:<5} {}\n", mark, finding.sentence);
    writer.begin_object().member("verdict", mark).member("sentence", finding.sentence).end_object();
  }
  writer.end_array().end_object();
  if (json) fmt::print("{}\n", text);
  return is_well ? exit_code::kOk : exit_code::kFailed;
}

int examine(const LoginFlags& flags) {
  const auto settings = client_settings(flags);
  if (!settings) return exit_code::kSettings;
  Findings findings;
  look_at_guard(findings);  // first: it forks, and wants no threads
  look_at_directory(settings->data_dir, findings);
  look_at_database(*settings, findings);
  look_at_handlers(*settings, findings);
  look_at_server(*settings, findings);
  return print_findings(findings, flags.json);
}

}  // namespace

void add_doctor(const Menu& menu) {
  const Command command =
      menu.client_command("doctor", "Look whether all is well here: data, jobs, the server");
  menu.on(command, [&login = menu.login] { return examine(login); });
}

}  // namespace tandem::app::cli
