#include "app/serve.h"

#include "app/cli/menu.h"
#include "app/cli/setting_flags.h"

namespace tandem::app::cli {

void add_serve(const Menu& menu) {
  const Command command = menu.root.subcommand("serve", "Run the server, with a worker inside");
  const auto flags = add_setting_flags(command, [](const config::Row& row) {
    return row.section != config::Section::client || row.flag == "ca-file";
  });
  menu.on(command, [flags] { return serve(*flags); });
}

}  // namespace tandem::app::cli
