#include "app/cli/usage_error.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "config/edit_distance.h"

namespace tandem::app::cli {
namespace {

// Of what is known, what is nearest to `typed`; empty where nothing is near.
std::string nearest(const std::string& typed, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const std::string& name : known)
    if (const std::size_t distance = config::edit_distance(typed.substr(0, 64), name);
        distance < least) {
      least = distance;
      best = name;
    }
  return best;
}

std::string meant(const std::string& typed, const std::vector<std::string>& known) {
  const std::string name = nearest(typed, known);
  return name.empty() ? std::string() : "; did you mean " + name + "?";
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

// The command that was typed, as far as it was understood: "client create".
const CLI::App& last_command(const CLI::App& app, const std::string& first_word,
                             std::string& typed) {
  const CLI::App* last = &app;
  const auto commands = commands_of(app);
  if (std::find(commands.begin(), commands.end(), first_word) == commands.end()) return app;
  while (!last->get_subcommands().empty()) {
    last = last->get_subcommands().front();
    typed += (typed.empty() ? "" : " ") + last->get_name();
  }
  return *last;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (text.ends_with(' ') || text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::string usage_sentence(const CLI::App& app, const std::string& first_word,
                           const CLI::ParseError& error) {
  std::string typed;
  const CLI::App& command = last_command(app, first_word, typed);
  const std::vector<std::string> extras = app.remaining(true);
  const std::string extra = extras.empty() ? std::string() : extras.front();
  const std::vector<std::string> commands = commands_of(command);
  const std::string word = &command == &app ? first_word : extra;
  std::string text;
  if (!commands.empty() && word.empty()) {
    text = typed.empty() ? "say what to do" : "say what to do with a " + typed;
  } else if (!commands.empty() && word.front() != '-') {
    text = "there is no command " + (typed.empty() ? word : typed + " " + word) +
           meant(word, commands);
  } else if (extra.starts_with('-')) {
    const std::string flag = extra.substr(0, extra.find('='));
    text = (typed.empty() ? "there is" : typed + " has") + (" no flag " + flag) +
           meant(flag, flags_of(command));
  } else if (!extra.empty()) {
    text = typed + " can't use the word " + extra;
  } else {
    text = typed + ": " + one_line(error.what());
  }
  return text + (text.ends_with('?') ? " See" : "; see") + " `tandem" +
         (typed.empty() ? "" : " " + typed) + " --help`";
}

}  // namespace tandem::app::cli
