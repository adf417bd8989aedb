#include "app/cli/setting_flags.h"

#include <string>

namespace tandem::app::cli {

std::shared_ptr<config::Flags> add_setting_flags(
    const Command& command, const std::function<bool(const config::Row&)>& is_taken) {
  auto flags = std::make_shared<config::Flags>();
  for (const config::Row& row : config::settings_table()) {
    if (row.flag.empty() || !is_taken(row)) continue;
    std::string help(row.help);
    if (const std::string bounds = config::bounds_text(row); !bounds.empty())
      help += " [" + bounds + "]";
    if (!row.default_value.empty()) help += " (" + std::string(row.default_value) + ")";
    const std::string flag(row.flag);
    const auto keep = [flags, flag](const std::string& value) { (*flags)[flag] = value; };
    Option option = command.text("--" + flag, keep, help);
    option.value_name(std::string(row.env)).heading(std::string(to_string(row.section)));
    if (row.unit == config::Unit::flag) option.may_be_alone();
  }
  return flags;
}

}  // namespace tandem::app::cli
