#include "app/cli/log_printer.h"

#include <fmt/core.h>

#include <cstdio>

#include "wire/raw_json.h"

namespace tandem::app::cli {
namespace {

// "2-17" in its order.
std::pair<std::int64_t, std::int64_t> numbers_of(std::string_view place) {
  const std::size_t dash = place.find('-');
  if (dash == std::string_view::npos) return {0, 0};
  return {wire::raw_integer(place.substr(0, dash)).value_or(0),
          wire::raw_integer(place.substr(dash + 1)).value_or(0)};
}

}  // namespace

LogPrinter::LogPrinter(const WatchOptions& options) : options_(options), place_(options.after) {}

void LogPrinter::print(const wire::OwnedLogLine& line) {
  place_ = fmt::format("{}-{}", line.attempt, line.seq);
  if (options_.attempt && *options_.attempt != line.attempt) return;
  if (options_.json) {
    std::string text;
    wire::encode_log_line({line.seq, line.ts, line.attempt, line.stream, line.data}, text);
    text += '\n';
    std::fwrite(text.data(), 1, text.size(), stdout);
    return;
  }
  std::FILE* to = line.stream == "stdout" && !options_.log_to_stderr ? stdout : stderr;
  std::fwrite(line.data.data(), 1, line.data.size(), to);
  if (line.stream == "system" && !line.data.ends_with('\n')) std::fputc('\n', to);
}

void LogPrinter::flush() {
  std::fflush(stdout);
  std::fflush(stderr);
}

Result<void> print_log(Session& session, const std::string& task_id, const std::string& to,
                       LogPrinter& printer) {
  while (true) {
    const std::string query =
        "/logs?limit=1000&after=" + (printer.place().empty() ? std::string("0") : printer.place());
    const auto body = session.get(task_path(task_id, query));
    if (!body) return body.error();
    const auto lines = wire::decode_log_lines(*body);
    if (!lines) return lines.error();
    for (const wire::OwnedLogLine& line : *lines) {
      const std::pair<std::int64_t, std::int64_t> here(line.attempt, line.seq);
      if (!to.empty() && here > numbers_of(to)) return {};
      printer.print(line);
    }
    printer.flush();
    if (lines->empty() || wire::string_member(*body, "next_cursor").empty()) return {};
  }
}

}  // namespace tandem::app::cli
