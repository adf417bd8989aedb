#include "api/routes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tandem::api {
namespace {

using config::AssignmentMode;

RouteMatch match(const std::string& method, std::string_view target) {
  net::RequestHead head;
  head.method = method;
  head.target = net::parse_target(target).value();
  return match_route(head);
}

TEST(Routes, AnIdIsAUuidAndGoesWhereItsLiteralSiblingsDoNot) {
  const std::string id = "01890a5d-ac96-774b-bcce-b302099a8057";
  EXPECT_EQ(match("GET", "/api/v1/workers/" + id).id, *parse_uuid(id));
  EXPECT_EQ(match("GET", "/api/v1/workers/config").route->access, Access::worker_or_client);
  EXPECT_EQ(match("GET", "/api/v1/workers/other").allow, "");
  EXPECT_EQ(match("HEAD", "/api/v1/workers/" + id).route->method, "GET");
  const RouteMatch wrong = match("PUT", "/api/v1/workers/" + id);
  EXPECT_EQ(wrong.route, nullptr);
  EXPECT_EQ(wrong.allow, "GET, HEAD");
  EXPECT_FALSE(wrong.is_open_path);
}

TEST(Routes, ANameIsAnySegmentButTheEmptyOne) {
  const Route table[] = {
      {"PUT", "files/{id}/out/{name}", Access::worker, BodyKind::none, RouteKind::plain, nullptr}};
  const auto found = [&table](std::string_view target) {
    net::RequestHead head;
    head.method = "PUT";
    head.target = net::parse_target(target).value();
    return match_route(head, table);
  };
  const std::string files = "/files/01890a5d-ac96-774b-bcce-b302099a8057/out/";
  EXPECT_EQ(found(files + "a%20b%2Fc").name, "a b/c");
  EXPECT_FALSE(found(files + "a").id.is_nil());
  for (const std::string& target :
       {files, files + "a/b", files + "a/", std::string("/files/x/out/a")})
    EXPECT_EQ(found(target).route, nullptr) << target;
}

TEST(Routes, WhatAModeOffers) {
  std::set<std::string> push, polling, all;
  for (const Route& route : route_table()) {
    const std::string name = std::string(route.method) + " " + std::string(route.pattern);
    all.insert(name);
    EXPECT_TRUE(is_offered(route, AssignmentMode::hybrid)) << name;
    if (is_offered(route, AssignmentMode::push)) push.insert(name);
    if (is_offered(route, AssignmentMode::polling)) polling.insert(name);
  }
  for (const std::string& name : all)
    EXPECT_EQ(push.contains(name), name.find("api/v1/polling/") == std::string::npos) << name;
  for (const char* name : {"POST api/v1/tasks", "POST api/v1/tasks/batch",
                           "POST api/v1/workers/register", "GET api/v1/workers/config"}) {
    EXPECT_TRUE(all.contains(name)) << name;
    EXPECT_FALSE(polling.contains(name)) << name;
  }
  for (const char* name : {"POST api/v1/workers/token", "GET api/v1/workers", "GET api/v1/tasks",
                           "POST api/v1/workers/{id}/drain", "POST api/v1/polling/register"})
    EXPECT_TRUE(polling.contains(name)) << name;
}

TEST(Routes, ScopesOpenWhatIsForClients) {
  using auth::Scope;
  const auth::ScopeSet admin{Scope::admin}, tasks{Scope::tasks}, workers{Scope::workers};
  for (const Access access :
       {Access::any, Access::tasks, Access::workers, Access::admin, Access::worker_or_client})
    EXPECT_TRUE(is_allowed(access, admin));
  EXPECT_FALSE(is_allowed(Access::worker, admin));
  EXPECT_TRUE(is_allowed(Access::tasks, tasks));
  EXPECT_FALSE(is_allowed(Access::tasks, workers));
  EXPECT_TRUE(is_allowed(Access::workers, workers));
  EXPECT_FALSE(is_allowed(Access::workers, tasks));
  EXPECT_FALSE(is_allowed(Access::admin, workers));
  EXPECT_TRUE(is_allowed(Access::worker_or_client, tasks));
}

}  // namespace
}  // namespace tandem::api
