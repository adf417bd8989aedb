#pragma once

#include <string>

#include "base/error.h"
#include "tandem/client.h"

namespace tandem::sdk {

[[noreturn]] inline void raise(const Error& error) {
  throw Failure(std::string(row_of(error.code).name),
                error.detail.empty() ? std::string(row_of(error.code).sentence) : error.detail);
}

}  // namespace tandem::sdk
