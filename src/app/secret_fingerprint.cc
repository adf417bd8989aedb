#include "app/secret_fingerprint.h"

#include "app/in_transaction.h"
#include "app/storage.h"
#include "auth/jwt_secret.h"
#include "store/postgres/postgres_meta.h"

namespace tandem::app {
namespace {

constexpr char kKey[] = "token_secret";  // "<fingerprint> <id of the server that kept it>"
constexpr char kSentence[] =
    "This server signs tokens with another secret than the other servers of its database, so each "
    "refuses what the other has signed; give all of them the same TANDEM_JWT_SECRET, and while it "
    "is changed the other one as TANDEM_JWT_SECRET_PREVIOUS";

bool fits(const std::string& kept, const std::string& secret, const std::string& previous) {
  if (kept.starts_with(auth::fingerprint_of(secret))) return true;
  return !previous.empty() && kept.starts_with(auth::fingerprint_of(previous));
}

}  // namespace

Result<std::string> keep_secret_fingerprint(const config::Settings& settings,
                                            const Installation& place, const std::string& secret,
                                            store::Store& store) {
  std::string sentence;
  if (is_in_directory(settings)) return sentence;  // one server alone
  const std::string server = place.server_id();
  auto done = in_transaction(store, [&](store::AccountStore& accounts) -> Result<void> {
    auto kept = accounts.get_meta(kKey);
    if (!kept) return kept.error();
    const bool is_free = !*kept || (*kept)->ends_with(" " + server);
    if (is_free || fits(**kept, secret, settings.jwt_secret_previous))
      return accounts.set_meta(kKey, auth::fingerprint_of(secret) + " " + server);
    sentence = kSentence;
    return {};
  });
  if (!done) return done.error();
  return sentence;
}

Result<std::string> compare_secret_fingerprint(const config::Settings& settings) {
  if (is_in_directory(settings)) return std::string();
  std::string secret = settings.jwt_secret;
  if (secret.empty()) {
    auto made = auth::load_jwt_secret(settings.data_dir);
    if (!made) return made.error();
    if (!*made) return std::string();  // no server has started here
    secret = **made;
  }
  const auto kept = store::read_postgres_meta(settings.database_url, kKey);
  if (!kept) return kept.error();
  const bool is_fine = !*kept || fits(**kept, secret, settings.jwt_secret_previous);
  return std::string(is_fine ? "" : kSentence);
}

}  // namespace tandem::app
