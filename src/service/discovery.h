#pragma once

#include <cstdint>
#include <string>

#include "io/asio.h"
#include "service/client.h"
#include "service/terms.h"

// How a service is got to know, and how one notices that it has changed.
namespace tandem::service {

// Asks for the configuration; `known` is null the first time. A service may answer both the
// configuration and polls at one address: a job may come with the answer, but for one of ours.
net::HttpCall config_call(const std::string& url, const std::string& token, const Terms* known);

// Reads the words that a configuration names: all or nothing, as words that could not be read would
// make reports that are not understood. Where the service has no page of them they are ours.
// On the caller's loop. Errors: the client's.
io::Awaitable<Result<TermsPtr>> make_terms(Client& client, wire::PollingConfig config,
                                           std::string token);

// How long a configuration is trusted before it is asked for again.
std::int64_t refresh_ms(const Terms& terms);
// The service does not know the token, or knows it no more.
bool is_of_token(Errc code);

}  // namespace tandem::service
