#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tandem {

// Every error the product can answer with. Spelled as on the wire; one row of the table in
// error.cc each: HTTP status, whether a repeat may succeed, and the sentence a user reads.
enum class Errc {
  // 400
  bad_request,
  bad_json,
  bad_multipart,
  // 401
  unauthenticated,
  token_invalid,
  token_expired,
  token_in_url,
  token_reused,
  token_revoked,
  invalid_client,
  invalid_grant,
  unsupported_grant_type,
  invalid_scope,
  // 403
  forbidden,
  mode_disabled,
  origin_not_allowed,
  // 404
  not_found,
  no_output,
  // 405, 406
  method_not_allowed,
  // 408
  request_timeout,
  // 409
  stale_attempt,
  task_active,
  already_finished,
  not_finished,
  not_waiting,
  illegal_transition,
  conflict,
  // 413 … 416
  too_large,
  unsupported_media_type,
  range_not_satisfiable,
  // 422
  validation_failed,
  idempotency_key_reused,
  // 426, 429, 431
  upgrade_required,
  too_many_requests,
  headers_too_large,
  // 500 …
  internal,
  not_implemented,
  store_unavailable,
  overloaded,
  shutting_down,
  disk_full,
};

struct ErrorRow {
  Errc code;
  std::string_view name;  // on the wire
  int http_status;
  bool retryable;
  std::string_view sentence;  // the `title` of a problem document
};

const ErrorRow& row_of(Errc code);
std::optional<Errc> errc_from_name(std::string_view name);
inline std::string_view to_string(Errc code) { return row_of(code).name; }

// `detail` is a sentence for the one who made the request. It never holds a secret, SQL or a
// path of the server. `field` names the member at fault for validation_failed, else is empty.
struct Error {
  Errc code = Errc::internal;
  std::string detail;
  std::string field;
};

}  // namespace tandem
