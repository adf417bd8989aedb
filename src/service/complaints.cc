#include "service/complaints.h"

namespace tandem::service {

std::string one_line(std::string_view text) {
  constexpr std::size_t kMaxBytes = 400;
  std::string line;
  for (const char c : text.substr(0, kMaxBytes)) {
    const bool is_plain = c >= ' ' && c < 0x7F && c != '"' && c != '\\';
    line.push_back(is_plain ? c : ' ');
  }
  return line;
}

void Complaints::failed(const std::string& what, const Error& error) {
  constexpr std::int64_t kAgainMs = 60'000;
  std::string reason =
      one_line(error.detail.empty() ? row_of(error.code).sentence : std::string_view(error.detail));
  const MonoTime now = clock_.mono();
  const auto told = told_.find(what);
  if (told != told_.end() && told->second.reason == reason && now - told->second.at < kAgainMs)
    return;
  say_(Severity::warning, what + " fails: " + reason + "; it is tried again");
  told_[what] = {std::move(reason), now};
}

void Complaints::works(const std::string& what) {
  if (told_.erase(what) > 0) say_(Severity::info, what + " works again");
}

}  // namespace tandem::service
