#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "net/http_client.h"
#include "wire/account_json.h"

// What `tandem login` keeps between commands: a server and a refresh token, in tandem/login.json of
// the user's configuration directory ($XDG_CONFIG_HOME, else ~/.config), for the user's eyes only.
// All calls block.
namespace tandem::app::cli {

// Nothing where there is none. unauthenticated, with a sentence, where it can't be read or others
// can read it.
Result<std::optional<wire::SavedLogin>> read_saved_login();
// Whole or not at all.
Result<void> write_saved_login(const wire::SavedLogin& login);
Result<void> remove_saved_login();

// A good access token of the saved login, other than `refused`. One that has run out is renewed;
// commands that run at once renew it one after the other, so that each refresh token is used once.
// Errors: unauthenticated where the login has ended; those of the exchange with the server.
Result<std::string> saved_access_token(net::HttpClient& http, const std::string& refused);

// The answer of POST /token or /token/refresh, as it is to be kept.
Result<wire::SavedLogin> login_of(std::string server, std::string client_id,
                                  const std::string& answer);

}  // namespace tandem::app::cli
