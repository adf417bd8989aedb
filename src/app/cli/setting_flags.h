#pragma once

#include <functional>
#include <memory>

#include "app/cli/command.h"
#include "config/load.h"
#include "config/table.h"

namespace tandem::app::cli {

// A flag for each row of the settings table that `is_taken`; what the user gives is kept in the
// flags that this answers.
std::shared_ptr<config::Flags> add_setting_flags(
    const Command& command, const std::function<bool(const config::Row&)>& is_taken);

}  // namespace tandem::app::cli
