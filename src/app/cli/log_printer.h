#pragma once

#include <string>

#include "app/cli/watch.h"
#include "wire/log_json.h"

namespace tandem::app::cli {

// Writes log records where the options say, and knows the place behind the last one.
class LogPrinter {
 public:
  explicit LogPrinter(const WatchOptions& options);

  void print(const wire::OwnedLogLine& line);
  void flush();
  const std::string& place() const { return place_; }  // "2-17"; empty: the begin

 private:
  const WatchOptions& options_;
  std::string place_;
};

// Prints the records behind `from` up to and with `to` (empty: to the end), page by page over HTTP.
Result<void> print_log(Session& session, const std::string& task_id, const std::string& to,
                       LogPrinter& printer);

}  // namespace tandem::app::cli
