#pragma once

#include <optional>
#include <string>

#include "api/call.h"
#include "auth/scope.h"
#include "store/account_store.h"
#include "wire/account_json.h"
#include "wire/decoded.h"

// What the ways to a token have in common.
namespace tandem::api {

struct ClientSecret {
  std::string client_id, client_secret;
};

// HTTP Basic of RFC 6749 section 2.3.1; nothing where the header is absent or of another scheme.
std::optional<ClientSecret> basic_credentials(const net::Headers& headers);

// Is the body a form, by its Content-Type? Else it is JSON.
bool is_form(const net::RequestHead& head);

// The row of a fresh refresh token.
store::RefreshToken refresh_row(const Services& services, const std::string& token,
                                const Uuid& family, ClientId client, const std::string& scope);

// The answer with a new access token; `refresh_expires_at` is that of the refresh token.
net::Response token_answer(Call& call, ClientId client, auth::ScopeSet scopes,
                           const std::string& refresh_token, WallTime refresh_expires_at);

}  // namespace tandem::api
