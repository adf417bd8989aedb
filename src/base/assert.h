#pragma once

// Programmer errors: abort with the place and a stack, in every build. Never for input.
#define TANDEM_ASSERT(condition)                                  \
  do {                                                            \
    if (!(condition)) [[unlikely]]                                \
      ::tandem::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)

namespace tandem {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}
