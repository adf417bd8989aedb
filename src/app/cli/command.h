#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tandem::app::cli {

// The commands and options of the command line. CLI11 stands behind it, and no further forward:
// each file that sees it takes seconds more to compile.

// An option of a command, to say more about. Valid as long as its Program.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}
  Option& required();
  Option& one_each();      // of a list: one word follows each time, and it may be repeated
  Option& may_be_alone();  // without a value it means "true"
  Option& within(int least, int most);
  Option& within(double least, double most);
  Option& value_name(const std::string& name);     // for --help
  Option& heading(const std::string& of_section);  // for --help

 private:
  CLI::Option* option_;
};

// A command, or a group of them. Valid as long as its Program. Options have names as "-n,--limit",
// or as "task_id" where their place tells them. What they are read into must outlive
// Program::parse().
class Command {
 public:
  using TakeText = std::function<void(const std::string&)>;
  using TakeNumber = std::function<void(double)>;

  explicit Command(CLI::App& command) : command_(&command) {}
  Command subcommand(const std::string& name, const std::string& help) const;
  void require_subcommand() const;

  void flag(const std::string& names, bool& into, const std::string& help) const;
  Option option(const std::string& names, std::string& into, const std::string& help) const;
  Option option(const std::string& names, int& into, const std::string& help) const;
  Option option(const std::string& names, std::uint32_t& into, const std::string& help) const;
  Option option(const std::string& names, double& into, const std::string& help) const;
  Option option(const std::string& names, std::vector<std::string>& into,
                const std::string& help) const;
  Option text(const std::string& names, const TakeText& take, const std::string& help) const;
  Option number(const std::string& names, TakeNumber take, const std::string& help) const;
  Option list(const std::string& names, TakeText take_each, const std::string& help) const;

  // `action` runs within Program::parse(), once all is read, where the user chose this command.
  void when_chosen(std::function<void()> action) const;

 private:
  CLI::App* command_;
};

class Program {
 public:
  struct About {
    std::string name, summary, version, footer;
  };
  explicit Program(const About& about);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Command root();
  // Fills the options and runs what was chosen. An exit code where that was all: --help and
  // --version are printed, wrong usage is reported.
  std::optional<int> parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace tandem::app::cli
