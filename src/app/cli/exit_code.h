#pragma once

#include <string_view>

#include "base/error.h"

namespace tandem::app::cli {

namespace exit_code {
inline constexpr int kOk = 0, kFailed = 1, kUsage = 64, kUnreachable = 69, kNotAllowed = 77,
                     kSettings = 78, kCancelled = 130;
}  // namespace exit_code

// For --help.
inline constexpr std::string_view kExitCodesText =
    "Exit codes: 0 done; 1 failed; 64 wrong usage; 69 the server can't be reached;\n"
    "77 not allowed; 78 a setting is wrong. With --wait, and for attach: the job's own exit\n"
    "code (128 + the signal's number where one ended it, 1 where it failed without either,\n"
    "130 where it was cancelled).";

int exit_code_of(const Error& error);
// Prints the sentence and the code of the error to stderr; answers the exit code.
int report(const Error& error);
// Wrong usage that the parser can't see.
int report_usage(std::string_view sentence);

}  // namespace tandem::app::cli
