#include "app/long_running.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>

namespace tandem::app {

void set_up_log(const config::Settings& settings) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tandem"));
  spdlog::set_level(spdlog::level::from_str(std::string(to_string(settings.log_level))));
  if (settings.log_json)
    spdlog::set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%v"})",
                        spdlog::pattern_time_type::utc);
  else
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::flush_on(spdlog::level::trace);
}

int refuse(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences)
    std::fprintf(stderr, "tandem: %s\n", sentence.c_str());
  return kExitSettings;
}

// All is looked at also where other settings are wrong, so that all is told at once.
config::Loaded<Configuration> configure(
    const config::Flags& flags,
    const std::function<void(const config::Reading&, config::Violations&)>& check) {
  const config::Environment environment = config::process_environment();
  auto reading = config::read(environment, flags);
  auto file = config::read_worker_file(
      config::raw_setting("TANDEM_WORKER_CONFIG", environment, flags), environment);
  config::Violations all = reading.violations;
  check(reading, all);
  if (!file) {
    const config::Violations more = file.error();
    all.sentences.insert(all.sentences.end(), more.sentences.begin(), more.sentences.end());
  }
  if (!all.sentences.empty()) return all;
  config::wipe_secrets(file->secret_variables);
  return Configuration{std::move(reading.settings), std::move(*file)};
}

void say(service::Severity severity, const std::string& sentence) {
  using enum service::Severity;
  const auto level = severity == info      ? spdlog::level::info
                     : severity == warning ? spdlog::level::warn
                                           : spdlog::level::err;
  spdlog::log(level, "{}", sentence);
}

StopSignals::StopSignals() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int StopSignals::wait() const {
  int number = 0;
  while (sigwait(&signals_, &number) != 0) {
  }
  return number;
}

// Blocked in every thread: only the one that waits takes it.
void StopSignals::raise() { ::kill(::getpid(), SIGTERM); }

}  // namespace tandem::app
