#include "service/receipts.h"

#include <utility>

#include "wire/raw_json.h"

namespace tandem::service {
namespace {

bool is_of(const wire::UpdateAnswer& answer, const wire::AttemptRef& told) {
  const bool is_same = answer.attempt == 0 || answer.attempt == told.attempt;
  return is_same && answer.task_id == told.task_id && (answer.error || !answer.status.empty());
}

}  // namespace

std::vector<std::optional<wire::UpdateAnswer>> answers_to(const Terms& terms,
                                                          std::span<const wire::AttemptRef> told,
                                                          std::string_view body) {
  std::vector<std::optional<wire::UpdateAnswer>> answers(told.size());
  auto said = wire::decode_update_answers(body);
  const bool is_readable = said && said->size() == told.size();
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (!terms.is_tandem())
      answers[i] = is_readable ? std::move((*said)[i]) : wire::UpdateAnswer{};
    else if (is_readable && is_of((*said)[i], told[i]))
      answers[i] = std::move((*said)[i]);
  }
  return answers;
}

std::optional<std::uint64_t> committed_in(std::string_view body) {
  if (!wire::check_json(body)) return std::nullopt;
  const auto member = wire::raw_member(body, "committed");
  const auto seq = member ? wire::raw_integer(*member) : std::nullopt;
  if (!seq || *seq < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*seq);
}

bool has_stored(std::string_view body, const FileInfo& file) {
  return wire::check_json(body) && wire::string_member(body, "name") == file.name &&
         wire::string_member(body, "sha256") == file.sha256;
}

Error no_receipt() {
  return fail(Errc::store_unavailable, "The answer does not say that it has arrived");
}

}  // namespace tandem::service
