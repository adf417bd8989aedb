#pragma once

#include <stdexcept>
#include <string>

namespace tandem::sdk {

// What the server refused, or why it was not reached. what(): a sentence for people.
class Failure : public std::runtime_error {
 public:
  Failure(std::string code, const std::string& sentence)
      : std::runtime_error(sentence), code_(std::move(code)) {}
  // As in docs/protocol.md: `not_found`, `validation_failed`, `store_unavailable` …
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

}  // namespace tandem::sdk
