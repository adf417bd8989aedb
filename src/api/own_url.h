#pragma once

#include <string>

#include "config/settings.h"
#include "net/request.h"

namespace tandem::api {

// Under which address this server was reached, without a slash at its end: the setting, where there
// is one, else as the request says.
std::string own_url(const config::Settings& settings, const net::RequestHead& head);

// The same address for WebSockets: ws or wss.
std::string socket_url(std::string_view http_url);

}  // namespace tandem::api
