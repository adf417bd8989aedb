#pragma once

namespace tandem::app {
inline constexpr char kVersion[] = TANDEM_VERSION;  // of the project, from CMake
}
