#include "app/serve.h"

#include <map>
#include <memory>

#include "app/cli/menu.h"
#include "config/table.h"

namespace tandem::app::cli {
namespace {

bool is_for_server(const config::Row& row) {
  return !row.flag.empty() && row.section != config::Section::client;
}

}  // namespace

void add_serve(const Menu& menu) {
  const Command command = menu.root.subcommand("serve", "Run the server, with a worker inside");
  auto flags = std::make_shared<config::Flags>();
  for (const config::Row& row : config::settings_table()) {
    if (!is_for_server(row)) continue;
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
  menu.on(command, [flags] { return serve(*flags); });
}

}  // namespace tandem::app::cli
