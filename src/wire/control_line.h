#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "core/task.h"
#include "wire/decoded.h"

// The lines that a job writes to its control pipe.
namespace tandem::wire {

struct ResultLine {
  std::string value;  // compact JSON, at most kMaxResultBytes
};
struct InputRequestLine {
  std::string prompt;
  bool password = false;
};
using ControlLine = std::variant<Progress, ResultLine, InputRequestLine>;

// Without the line end. Unknown members are passed over (a job may be newer than its worker);
// unknown types, bounds and kinds are refused.
Decoded<ControlLine> decode_control_line(std::string_view line);

}  // namespace tandem::wire
