#include "api/answers.h"
#include "api/resources.h"
#include "wire/json_writer.h"

namespace tandem::api {

// The caller's own: what its receivers check signatures with.
Answer get_callback_secret(Call& call) {
  const ClientId client = call.caller.actor.client_id;
  std::string body;
  wire::JsonWriter(body)
      .begin_object()
      .member("client_id", to_string(client))
      .member("callback_secret", call.services().callback_signer.secret_of(client))
      .end_object();
  co_return private_json(std::move(body));
}

}  // namespace tandem::api
