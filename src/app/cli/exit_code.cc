#include "app/cli/exit_code.h"

#include <fmt/core.h>

#include <cstdio>

namespace tandem::app::cli {

int exit_code_of(const Error& error) {
  if (error.code == Errc::store_unavailable || error.code == Errc::request_timeout)
    return exit_code::kUnreachable;
  const int status = row_of(error.code).http_status;
  return status == 401 || status == 403 ? exit_code::kNotAllowed : exit_code::kFailed;
}

int report(const Error& error) {
  const std::string_view sentence =
      error.detail.empty() ? row_of(error.code).sentence : std::string_view(error.detail);
  fmt::print(stderr, "tandem: {} ({})\n", sentence, to_string(error.code));
  return exit_code_of(error);
}

int report_usage(std::string_view sentence) {
  fmt::print(stderr, "tandem: {}\n", sentence);
  return exit_code::kUsage;
}

}  // namespace tandem::app::cli
