#include "app/cli/command.h"

#include <CLI/CLI.hpp>

#include "app/cli/exit_code.h"
#include "app/cli/usage_error.h"

namespace tandem::app::cli {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::one_each() {
  option_->allow_extra_args(false);
  return *this;
}

Option& Option::may_be_alone() {
  option_->expected(0, 1)->default_str("true");
  return *this;
}

Option& Option::within(int least, int most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::within(double least, double most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::value_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::heading(const std::string& of_section) {
  option_->group(of_section);
  return *this;
}

Command Command::subcommand(const std::string& name, const std::string& help) const {
  return Command(*command_->add_subcommand(name, help));
}

void Command::require_subcommand() const { command_->require_subcommand(1); }

void Command::flag(const std::string& names, bool& into, const std::string& help) const {
  command_->add_flag(names, into, help);
}

Option Command::option(const std::string& names, std::string& into, const std::string& help) const {
  return Option(*command_->add_option(names, into, help));
}

Option Command::option(const std::string& names, int& into, const std::string& help) const {
  return Option(*command_->add_option(names, into, help));
}

Option Command::option(const std::string& names, std::uint32_t& into,
                       const std::string& help) const {
  return Option(*command_->add_option(names, into, help));
}

Option Command::option(const std::string& names, double& into, const std::string& help) const {
  return Option(*command_->add_option(names, into, help));
}

Option Command::option(const std::string& names, std::vector<std::string>& into,
                       const std::string& help) const {
  return Option(*command_->add_option(names, into, help));
}

Option Command::text(const std::string& names, const TakeText& take,
                     const std::string& help) const {
  return Option(*command_->add_option_function<std::string>(names, take, help));
}

Option Command::number(const std::string& names, TakeNumber take, const std::string& help) const {
  const auto take_one = [take = std::move(take)](const double& number) { take(number); };
  return Option(*command_->add_option_function<double>(names, take_one, help));
}

Option Command::list(const std::string& names, TakeText take_each, const std::string& help) const {
  const auto take = [take_each = std::move(take_each)](const std::vector<std::string>& words) {
    for (const std::string& word : words) take_each(word);
  };
  return Option(*command_->add_option_function<std::vector<std::string>>(names, take, help));
}

void Command::when_chosen(std::function<void()> action) const {
  command_->callback(std::move(action));
}

Program::Program(const About& about) : app_(std::make_unique<CLI::App>(about.summary, about.name)) {
  app_->set_version_flag("--version", about.name + " " + about.version);
  app_->require_subcommand(1);
  app_->footer(about.footer);
}

Program::~Program() = default;

Command Program::root() { return Command(*app_); }

std::optional<int> Program::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app_->exit(error);  // --help, --version
    return report_usage(usage_sentence(*app_, argc > 1 ? argv[1] : "", error));
  }
}

}  // namespace tandem::app::cli
