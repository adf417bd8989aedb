#include <fmt/core.h>

#include <memory>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/version.h"
#include "config/table.h"

namespace tandem::app::cli {
namespace {

int print_settings(bool markdown) {
  if (markdown) {
    fmt::print("{}", config::settings_markdown());
    return exit_code::kOk;
  }
  using enum config::Section;
  for (const config::Section section : {server, tokens, tasks, upstream, worker, client, logging})
    fmt::print("{}\n", config::settings_text(section));
  return exit_code::kOk;
}

}  // namespace

void add_settings(const Menu& menu) {
  const Command settings = menu.root.subcommand("settings", "Print every setting and its default");
  auto markdown = std::make_shared<bool>(false);
  settings.flag("--markdown", *markdown, "As tables, for the documentation");
  menu.on(settings, [markdown] { return print_settings(*markdown); });

  const Command version = menu.root.subcommand("version", "Print the version");
  version.flag("--json", menu.login.json, "Print JSON");
  menu.on(version, [&login = menu.login] {
    fmt::print(fmt::runtime(login.json ? "{{\"version\":\"{}\"}}\n" : "tandem {}\n"), kVersion);
    return exit_code::kOk;
  });
}

}  // namespace tandem::app::cli
