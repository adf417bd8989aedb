#include "service/terms.h"

#include <gtest/gtest.h>

#include "service/client.h"
#include "service/complaints.h"

namespace tandem::service {
namespace {

using wire::UpdateStatus;

TEST(StatusNames, AreFoundInAnyForm) {
  for (const char* schema :
       {R"({"statuses":["queued","in_progress","done","error"]})",
        R"(["In-Progress","DONE","Error"])",
        R"({"statuses":[{"name":"in_progress"},{"name":"done"},{"name":"error"}]})",
        R"({"in_progress":"it runs","done":"it is over","error":{}})",
        R"({"type":"string","enum":["inProgress","done","error"]})",
        R"({"properties":{"status":{"enum":["in_progress","done","error"]}}})"}) {
    SCOPED_TRACE(schema);
    const StatusNames names = StatusNames::of_schema(schema);
    const std::string running(names.name_of(UpdateStatus::running));
    EXPECT_TRUE(running == "in_progress" || running == "In-Progress" || running == "inProgress");
    EXPECT_EQ(std::tolower(names.name_of(UpdateStatus::completed)[0]), 'd');
    EXPECT_EQ(std::tolower(names.name_of(UpdateStatus::failed)[0]), 'e');
    EXPECT_EQ(names.name_of(UpdateStatus::cancelled), names.name_of(UpdateStatus::failed));
    EXPECT_EQ(names.name_of(UpdateStatus::waiting_for_input), running);
  }
}

TEST(StatusNames, AreOursWhereNothingIsKnown) {
  for (const char* schema : {"", "<html>", "[]", "{}", R"(["blue","green"])", "[1,[2"}) {
    const StatusNames names = StatusNames::of_schema(schema);
    EXPECT_EQ(names.name_of(UpdateStatus::running), "running") << schema;
    EXPECT_EQ(names.name_of(UpdateStatus::released), "released") << schema;
  }
}

TEST(Terms, SpeakAsTheServiceWants) {
  Terms terms;
  terms.token = "t";
  EXPECT_EQ(terms.headers().get("Authorization"), "Bearer t");
  terms.config.auth_header = "X-Key";
  terms.config.auth_prefix = "";
  EXPECT_EQ(terms.headers().get("x-key"), "t");
  terms.config.job_update_url = "https://a/api/v1/polling/update";
  EXPECT_EQ(terms.task_url("a/b", "logs"), "https://a/api/v1/polling/tasks/a%2Fb/logs");
  EXPECT_FALSE(terms.is_tandem());
}

TEST(Terms, IntervalIsTheServicesOrOurs) {
  const std::string urls = R"({"polling_url":"p","job_update_url":"u")";
  EXPECT_EQ(read_config(urls + "}", 700)->interval_ms, 700);
  EXPECT_EQ(read_config(urls + R"(,"poll":{"interval_s":2}})", 700)->interval_ms, 2000);
  EXPECT_EQ(read_config(urls + R"(,"poll":{"interval_s":0}})", 700)->interval_ms, 20);
  EXPECT_FALSE(read_config(R"({"polling_url":"p"})", 700));
  EXPECT_FALSE(read_config(R"({"task_id":"1","payload":{}})", 700));
}

TEST(Client, EveryAnswerThatIsNoneHasACode) {
  const auto code = [](int status, const std::string& body = "") {
    return body_of(net::HttpAnswer{status, {}, body}).error().code;
  };
  EXPECT_EQ(*body_of(net::HttpAnswer{204, {}, ""}), "");
  EXPECT_EQ(code(302), Errc::bad_request);
  EXPECT_EQ(code(401), Errc::unauthenticated);
  EXPECT_EQ(code(401, R"({"code":"token_revoked"})"), Errc::token_revoked);
  EXPECT_EQ(code(410), Errc::not_found);
  EXPECT_EQ(code(409), Errc::stale_attempt);
  EXPECT_EQ(code(429), Errc::store_unavailable);
  EXPECT_EQ(code(500, "<html>"), Errc::store_unavailable);
  EXPECT_EQ(code(502, R"({"code":"not_found"})"), Errc::store_unavailable);
  EXPECT_EQ(code(418), Errc::bad_request);
}

TEST(Client, APageInPlaceOfAnAnswerIsAServiceOutOfReach) {
  const auto answer = [](const std::string& type, const std::string& body) {
    net::HttpAnswer made{.status = 200, .headers = {}, .body = body};
    if (!type.empty()) made.headers.add("Content-Type", type);
    return body_of(std::move(made));
  };
  for (const char* type : {"text/html", "Text/HTML; charset=utf-8"}) {
    EXPECT_EQ(answer(type, "<p>Log in</p>").error().code, Errc::store_unavailable);
    EXPECT_TRUE(answer(type, "")) << "a framework says so of everything";
    EXPECT_TRUE(answer(type, "ok"));
    EXPECT_TRUE(answer(type, R"({"task_id":"1"})"));
  }
  for (const char* body : {"<!DOCTYPE html><p>", "\n <HTML>", "\xEF\xBB\xBF<html lang=en>"})
    EXPECT_EQ(answer("", body).error().code, Errc::store_unavailable) << body;
  EXPECT_TRUE(answer("text/xml", "<taken/>"));
}

TEST(Complaints, AreMadeOnceForEachReason) {
  SystemClock clock;
  std::vector<std::string> lines;
  Complaints complaints(clock, [&](Severity, const std::string& line) { lines.push_back(line); });
  const Error away = fail(Errc::store_unavailable, "Could not \"connect\"\n");
  for (int i = 0; i < 10; ++i) complaints.failed("Polling", away);
  complaints.failed("Polling", fail(Errc::bad_json, "HTML"));
  complaints.works("Polling");
  complaints.works("Polling");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].find('"'), std::string::npos);
  EXPECT_EQ(lines[0].find('\n'), std::string::npos);
}

}  // namespace
}  // namespace tandem::service
