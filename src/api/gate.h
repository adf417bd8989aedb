#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/call.h"
#include "api/routes.h"
#include "base/result.h"
#include "net/request.h"

// The checks that every request passes before its body is read.
namespace tandem::api {

// token_in_url where the query has a parameter that carries a token.
Result<void> check_query_secrets(const net::Query& query);

// The token: of the Authorization header or, for a WebSocket, the subprotocol `bearer.<token>`.
// Errors: unauthenticated, token_invalid.
Result<std::string_view> presented_token(const net::RequestHead& head);

// Who the token is of: a client, that must still exist, with its claims, or a worker. Errors: as
// above, token_expired, token_revoked, store_unavailable.
Result<void> authenticate(ApiState& api, const net::RequestHead& head, Caller& caller);

// Whose token it is, where it is good and that account is not known here.
std::optional<Newcomer> newcomer_of(ApiState& api, const net::RequestHead& head);

// Access and the server's mode. Errors: forbidden, mode_disabled.
Result<void> authorize(const ApiState& api, const Route& route, const Caller& caller);

// Content-Type and Content-Encoding; true where it is multipart. unsupported_media_type.
Result<bool> check_body_type(const Route& route, const net::RequestHead& head);

// A browser of another site must not open a socket. origin_not_allowed.
Result<void> check_origin(const ApiState& api, const net::RequestHead& head);

}  // namespace tandem::api
