#pragma once

#include <string>

namespace tandem::app {

std::string host_name();  // of this machine; empty where it has none

}  // namespace tandem::app
