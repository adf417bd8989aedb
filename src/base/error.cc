#include "base/error.h"

#include <array>
#include <stdexcept>

#include "base/assert.h"
#include "base/result.h"

namespace tandem {
namespace {

constexpr std::array kRows = {
    ErrorRow{Errc::bad_request, "bad_request", 400, false, "The request can't be read"},
    ErrorRow{Errc::bad_json, "bad_json", 400, false, "The body is not valid JSON"},
    ErrorRow{Errc::bad_multipart, "bad_multipart", 400, false, "The multipart body can't be read"},
    ErrorRow{Errc::unauthenticated, "unauthenticated", 401, false, "Authentication is required"},
    ErrorRow{Errc::token_invalid, "token_invalid", 401, false, "The token is not valid"},
    ErrorRow{Errc::token_expired, "token_expired", 401, false, "The token has expired"},
    ErrorRow{Errc::token_in_url, "token_in_url", 401, false, "A token must not be sent in the URL"},
    ErrorRow{Errc::token_reused, "token_reused", 401, false,
             "The refresh token was used before; all tokens of its family are revoked"},
    ErrorRow{Errc::token_revoked, "token_revoked", 401, false, "The token has been revoked"},
    ErrorRow{Errc::invalid_client, "invalid_client", 401, false, "Unknown client or wrong secret"},
    ErrorRow{Errc::invalid_grant, "invalid_grant", 401, false, "The refresh token is not valid"},
    ErrorRow{Errc::unsupported_grant_type, "unsupported_grant_type", 400, false,
             "The grant type is not supported"},
    ErrorRow{Errc::invalid_scope, "invalid_scope", 400, false, "The scope is not allowed"},
    ErrorRow{Errc::forbidden, "forbidden", 403, false, "The token's scope does not allow this"},
    ErrorRow{Errc::mode_disabled, "mode_disabled", 403, false,
             "The server's assignment mode does not offer this"},
    ErrorRow{Errc::origin_not_allowed, "origin_not_allowed", 403, false,
             "This origin may not open a WebSocket"},
    ErrorRow{Errc::not_found, "not_found", 404, false, "Not found"},
    ErrorRow{Errc::no_output, "no_output", 404, false, "There is no such output"},
    ErrorRow{Errc::method_not_allowed, "method_not_allowed", 405, false, "Method not allowed"},
    ErrorRow{Errc::request_timeout, "request_timeout", 408, true, "The request took too long"},
    ErrorRow{Errc::stale_attempt, "stale_attempt", 409, false,
             "The attempt is no longer the current one, or is not yours"},
    ErrorRow{Errc::task_active, "task_active", 409, false, "The task has not finished"},
    ErrorRow{Errc::already_finished, "already_finished", 409, false, "The task has finished"},
    ErrorRow{Errc::not_finished, "not_finished", 409, true, "The task has not finished yet"},
    ErrorRow{Errc::not_waiting, "not_waiting", 409, false, "The task takes no input now"},
    ErrorRow{Errc::illegal_transition, "illegal_transition", 409, false,
             "The task can't go from its status to that one"},
    ErrorRow{Errc::conflict, "conflict", 409, false, "The request conflicts with what is there"},
    ErrorRow{Errc::too_large, "too_large", 413, false, "The body is too large"},
    ErrorRow{Errc::unsupported_media_type, "unsupported_media_type", 415, false,
             "The media type is not supported"},
    ErrorRow{Errc::range_not_satisfiable, "range_not_satisfiable", 416, false,
             "The range lies outside of what is there"},
    ErrorRow{Errc::validation_failed, "validation_failed", 422, false,
             "The request was understood but is not valid"},
    ErrorRow{Errc::idempotency_key_reused, "idempotency_key_reused", 422, false,
             "The idempotency key was used with another body"},
    ErrorRow{Errc::upgrade_required, "upgrade_required", 426, false,
             "This address speaks WebSocket only"},
    ErrorRow{Errc::too_many_requests, "too_many_requests", 429, true, "Too many requests"},
    ErrorRow{Errc::headers_too_large, "headers_too_large", 431, false,
             "The request headers are too large"},
    ErrorRow{Errc::internal, "internal", 500, true, "Something went wrong on the server"},
    ErrorRow{Errc::not_implemented, "not_implemented", 501, false, "Not implemented"},
    ErrorRow{Errc::store_unavailable, "store_unavailable", 503, true,
             "The store can't be reached at the moment"},
    ErrorRow{Errc::overloaded, "overloaded", 503, true, "The server is busy"},
    ErrorRow{Errc::shutting_down, "shutting_down", 503, true, "The server is shutting down"},
    ErrorRow{Errc::disk_full, "disk_full", 507, true, "The server's disk is full"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].code != static_cast<Errc>(i)) return false;
  return kRows.size() == static_cast<std::size_t>(Errc::disk_full) + 1;
}
static_assert(in_order(), "one row for each Errc, in its order");

}  // namespace

const ErrorRow& row_of(Errc code) {
  const auto index = static_cast<std::size_t>(code);
  TANDEM_ASSERT(index < kRows.size());
  return kRows[index];
}

std::optional<Errc> errc_from_name(std::string_view name) {
  for (const ErrorRow& row : kRows)
    if (row.name == name) return row.code;
  return std::nullopt;
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::runtime_error(std::string(to_string(error.code)) + ": " + error.detail + " (" +
                           where.to_string() + ")");
}

}  // namespace tandem
