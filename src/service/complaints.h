#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace tandem::service {

enum class Severity : std::uint8_t { info, warning, error };
// A line for the operator.
using Say = std::function<void(Severity, const std::string&)>;

// What goes wrong with a service, told once and not with each try. One loop.
class Complaints {
 public:
  Complaints(const Clock& clock, Say say) : clock_(clock), say_(std::move(say)) {}

  // `what` can't be done for this reason. A reason that was told is told again after a minute.
  void failed(const std::string& what, const Error& error);
  // It can be done; told where it could not.
  void works(const std::string& what);
  void note(const std::string& sentence) { say_(Severity::info, sentence); }
  void warn(const std::string& sentence) { say_(Severity::warning, sentence); }

 private:
  struct Told {
    std::string reason;
    MonoTime at;
  };
  const Clock& clock_;
  Say say_;
  std::map<std::string, Told> told_;
};

// Fit for a line of a log, whatever a service has put into it.
std::string one_line(std::string_view text);

}  // namespace tandem::service
