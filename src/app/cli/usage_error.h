#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace tandem::app::cli {

// One sentence that says what is wrong with what was typed, and what may have been meant.
// `first_word` is the first argument: where it is no command, that is what is wrong.
std::string usage_sentence(const CLI::App& app, const std::string& first_word,
                           const CLI::ParseError& error);

}  // namespace tandem::app::cli
