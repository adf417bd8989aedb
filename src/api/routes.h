#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "auth/scope.h"
#include "base/id.h"
#include "config/settings.h"
#include "io/asio.h"
#include "net/request.h"
#include "net/response.h"

namespace tandem::api {

struct Call;

// Who may come in. `any`: every client; tasks, workers, admin: clients with this scope; `worker`:
// workers only.
enum class Access : std::uint8_t { open, any, tasks, workers, admin, worker, worker_or_client };
// What the body may be. `submit`: JSON, or multipart that is streamed;
// `file`: anything, streamed.
enum class BodyKind : std::uint8_t { none, json, form_or_json, submit, file };
enum class RouteKind : std::uint8_t { plain, submit, waiting, websocket };

using RouteFunction = io::Awaitable<net::Response> (*)(Call& call);

struct Route {
  std::string_view method;
  std::string_view pattern;  // segments; `{id}` stands for a UUID, `{name}` for any but the empty
  Access access;
  BodyKind body;
  RouteKind kind;
  RouteFunction function;
};

std::span<const Route> route_table();

struct RouteMatch {
  const Route* route = nullptr;  // null: no such path, or not with this method
  std::string allow;             // the methods of the path, where there is one: "GET, HEAD, POST"
  Uuid id;                       // of `{id}`
  std::string name;              // of `{name}`, decoded
  bool is_open_path = false;     // all routes of the path are open
};

// HEAD goes where GET does. An id of any other form is no such path.
RouteMatch match_route(const net::RequestHead& head, std::span<const Route> table = route_table());

// May a client with these scopes use the route? admin may use all that is for clients.
bool is_allowed(Access access, auth::ScopeSet scopes);

// For a worker's route, the beginning of all addresses of its side: api/v1/polling/ or
// api/v1/workers/.
std::string_view side_of(const Route& route);
// Does a server in this mode have the route?
bool is_offered(const Route& route, config::AssignmentMode mode);

}  // namespace tandem::api
