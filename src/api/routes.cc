#include "api/routes.h"

#include <array>

#include "api/resources.h"

namespace tandem::api {
namespace {

using enum RouteKind;
constexpr Access kOpen = Access::open, kAny = Access::any, kTasks = Access::tasks,
                 kWorkers = Access::workers, kAdmin = Access::admin, kWorker = Access::worker,
                 kWorkerOrClient = Access::worker_or_client;
constexpr BodyKind kNone = BodyKind::none, kJson = BodyKind::json,
                   kFormOrJson = BodyKind::form_or_json, kSubmit = BodyKind::submit,
                   kFile = BodyKind::file;

constexpr std::array kRoutes = {
    Route{"GET", "health", kOpen, kNone, plain, get_health},
    Route{"POST", "token", kOpen, kFormOrJson, plain, post_token},
    Route{"POST", "token/refresh", kOpen, kFormOrJson, plain, post_refresh},
    Route{"POST", "token/revoke", kAny, kFormOrJson, plain, post_revoke},
    Route{"GET", "metrics", kAdmin, kNone, plain, get_metrics},
    Route{"GET", "api/v1/clients", kAdmin, kNone, plain, list_clients},
    Route{"POST", "api/v1/clients", kAdmin, kJson, plain, create_client},
    Route{"DELETE", "api/v1/clients/{id}", kAdmin, kNone, plain, delete_client},
    Route{"POST", "api/v1/clients/{id}/secret", kAdmin, kNone, plain, rotate_secret},
    Route{"GET", "api/v1/callback-secret", kTasks, kNone, plain, get_callback_secret},
    Route{"POST", "api/v1/tasks", kTasks, kSubmit, submit, submit_task},
    Route{"GET", "api/v1/tasks", kTasks, kNone, plain, list_tasks},
    Route{"POST", "api/v1/tasks/batch", kTasks, kJson, submit, submit_batch},
    Route{"GET", "api/v1/tasks/stats", kTasks, kNone, plain, get_stats},
    Route{"GET", "api/v1/tasks/{id}", kTasks, kNone, waiting, get_task},
    Route{"DELETE", "api/v1/tasks/{id}", kTasks, kNone, waiting, delete_task},
    Route{"GET", "api/v1/tasks/{id}/logs", kTasks, kNone, plain, get_logs},
    Route{"GET", "api/v1/tasks/{id}/download", kTasks, kNone, plain, download},
    Route{"POST", "api/v1/tasks/{id}/input", kTasks, kJson, plain, send_input},
    Route{"POST", "api/v1/tasks/{id}/cancel", kTasks, kNone, plain, cancel_task},
    Route{"POST", "api/v1/tasks/{id}/retry", kTasks, kNone, plain, retry_task},
    Route{"GET", "api/v1/tasks/{id}/ws", kTasks, kNone, websocket, open_task_socket},
    Route{"GET", "ws/{id}", kTasks, kNone, websocket, open_task_socket},
    Route{"POST", "api/v1/polling/register", kWorkers, kJson, plain, register_worker},
    Route{"POST", "api/v1/workers/register", kWorkers, kJson, plain, register_worker},
    Route{"POST", "api/v1/polling/token", kWorker, kJson, plain, rotate_worker_token},
    Route{"POST", "api/v1/workers/token", kWorker, kJson, plain, rotate_worker_token},
    Route{"POST", "api/v1/polling/revoke", kAdmin, kJson, plain, revoke_named_worker},
    Route{"GET", "api/v1/workers", kAdmin, kNone, plain, list_workers},
    Route{"GET", "api/v1/workers/{id}", kAdmin, kNone, plain, get_worker},
    Route{"POST", "api/v1/workers/{id}/drain", kAdmin, kNone, plain, drain_worker},
    Route{"POST", "api/v1/workers/{id}/resume", kAdmin, kNone, plain, resume_worker},
    Route{"POST", "api/v1/workers/{id}/revoke", kAdmin, kJson, plain, revoke_worker},
    Route{"GET", "api/v1/polling/config", kWorkerOrClient, kNone, waiting, get_polling_config},
    Route{"GET", "api/v1/workers/config", kWorkerOrClient, kNone, plain, get_push_config},
    Route{"GET", "api/v1/polling/config/statuses", kWorkerOrClient, kNone, plain, get_statuses},
    Route{"GET", "api/v1/workers/config/statuses", kWorkerOrClient, kNone, plain, get_statuses},
    Route{"POST", "api/v1/polling/claim", kWorker, kJson, waiting, claim_jobs},
    Route{"POST", "api/v1/polling/jobs", kWorkers, kSubmit, plain, submit_task},
    Route{"POST", "api/v1/polling/update", kWorker, kJson, plain, update_attempts},
    Route{"POST", "api/v1/polling/tasks/{id}/logs", kWorker, kJson, plain, append_attempt_log},
    Route{"PUT", "api/v1/polling/tasks/{id}/outputs/{name}", kWorker, kFile, plain, put_output},
    Route{"GET", "api/v1/polling/tasks/{id}/inputs/{name}", kWorker, kNone, plain, get_input_file},
    Route{"GET", "api/v1/polling/ws", kWorker, kNone, websocket, open_worker_socket},
    Route{"POST", "api/v1/workers/update", kWorker, kJson, plain, update_attempts},
    Route{"POST", "api/v1/workers/tasks/{id}/logs", kWorker, kJson, plain, append_attempt_log},
    Route{"PUT", "api/v1/workers/tasks/{id}/outputs/{name}", kWorker, kFile, plain, put_output},
    Route{"GET", "api/v1/workers/tasks/{id}/inputs/{name}", kWorker, kNone, plain, get_input_file},
    Route{"GET", "api/v1/workers/ws", kWorker, kNone, websocket, open_worker_socket},
};

constexpr std::string_view kPollingSide = "api/v1/polling/", kPushSide = "api/v1/workers/";

bool fits(std::string_view pattern, const std::vector<std::string>& segments, RouteMatch& match) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::size_t end = pattern.find('/');
    const std::string_view wanted = pattern.substr(0, end);
    if (wanted == "{id}") {
      const auto parsed = parse_uuid(segments[i]);
      if (!parsed) return false;
      match.id = *parsed;
    } else if (wanted == "{name}") {
      if (segments[i].empty()) return false;
      match.name = segments[i];
    } else if (wanted != segments[i]) {
      return false;
    }
    if (end == std::string_view::npos) return i + 1 == segments.size();
    pattern.remove_prefix(end + 1);
  }
  return false;
}

void add_method(std::string& allow, std::string_view method) {
  if (!allow.empty()) allow += ", ";
  allow += method;
  if (method == "GET") allow += ", HEAD";
}

}  // namespace

std::span<const Route> route_table() { return kRoutes; }

RouteMatch match_route(const net::RequestHead& head, std::span<const Route> table) {
  RouteMatch match;
  const std::string_view method = head.method == "HEAD" ? "GET" : std::string_view(head.method);
  bool all_open = true;
  for (const Route& route : table) {
    if (!fits(route.pattern, head.target.segments, match)) continue;
    all_open = all_open && route.access == Access::open;
    add_method(match.allow, route.method);
    if (route.method == method) {
      match.route = &route;
      break;
    }
  }
  match.is_open_path = all_open && !match.allow.empty();
  return match;
}

bool is_allowed(Access access, auth::ScopeSet scopes) {
  if (access == Access::worker) return false;
  if (access == Access::open || access == Access::any || access == Access::worker_or_client)
    return true;
  if (scopes.contains(auth::Scope::admin)) return true;
  if (access == Access::workers) return scopes.contains(auth::Scope::workers);
  return access == Access::tasks && scopes.contains(auth::Scope::tasks);
}

std::string_view side_of(const Route& route) {
  return route.pattern.starts_with(kPollingSide) ? kPollingSide : kPushSide;
}

bool is_offered(const Route& route, config::AssignmentMode mode) {
  const bool is_polling = route.pattern.starts_with(kPollingSide);
  if (mode == config::AssignmentMode::push) return !is_polling;
  if (mode == config::AssignmentMode::hybrid || is_polling) return true;
  if (route.kind == RouteKind::submit) return false;
  if (!route.pattern.starts_with(kPushSide)) return true;
  const std::string_view rest = route.pattern.substr(kPushSide.size());
  return rest != "register" && rest != "ws" && !rest.starts_with("config");
}

}  // namespace tandem::api
