#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace tandem::queue {

// Something that is to be done again and again. Each job is one file of this folder, or of the
// folder whose things it tidies.
class MaintenanceJob {
 public:
  virtual ~MaintenanceJob() = default;
  virtual std::string_view name() const = 0;  // for the log: "retention"
  virtual std::int64_t every_ms() const = 0;
  // Does one piece of it, of bounded length; true: there is more. Blocks. After an error it is
  // called again later and must then do what was left.
  virtual Result<bool> run() = 0;
};

}  // namespace tandem::queue
