#include "service/receipts.h"

#include <gtest/gtest.h>

namespace tandem::service {
namespace {

Terms terms_of(const std::string& config_version) {
  Terms terms;
  terms.config.config_version = config_version;
  return terms;
}

const std::vector<wire::AttemptRef> kTold = {{"a", 1}, {"b", 2}};
constexpr const char* kBoth = R"({"updates":[{"task_id":"a","attempt":1,"status":"running"},
  {"task_id":"b","attempt":2,"error":{"code":"stale_attempt","detail":"No."}}]})";

TEST(Receipts, OursNamesEachUpdate) {
  const Terms ours = terms_of("1");
  const auto answers = answers_to(ours, kTold, kBoth);
  ASSERT_TRUE(answers.at(0) && answers.at(1));
  EXPECT_EQ(answers[0]->status, "running");
  EXPECT_EQ(answers[1]->error->code, Errc::stale_attempt);
  const std::span one(kTold.data(), 1);
  EXPECT_TRUE(answers_to(ours, one, R"({"task_id":"a","status":"running"})").at(0));
  for (const char* body :
       {"", "<html>", "thanks", "[]", "{}", R"({"weather":"fine"})", R"({"updates":[]})",
        R"({"updates":[7]})", R"({"task_id":"a"})", R"({"task_id":"b","status":"running"})",
        R"({"task_id":"a","attempt":2,"status":"running"})", R"({"task_id":"a","status":"run)"})
    EXPECT_FALSE(answers_to(ours, one, body).at(0)) << body;
}

TEST(Receipts, WhatIsNotNamedAmongManyIsNotAnswered) {
  const auto answers = answers_to(
      terms_of("1"), kTold, R"({"updates":[{"task_id":"a","status":"running"},{"task_id":"c"}]})");
  EXPECT_TRUE(answers.at(0));
  EXPECT_FALSE(answers.at(1));
  const auto fewer = answers_to(terms_of("1"), kTold, R"({"task_id":"a","status":"running"})");
  EXPECT_FALSE(fewer.at(0) || fewer.at(1));
}

TEST(Receipts, AnyOtherServiceAcknowledgesByWhateverItSays) {
  const Terms theirs = terms_of("");
  const std::span one(kTold.data(), 1);
  for (const char* body : {"", "thanks", "[]", R"({"weather":"fine"})"})
    EXPECT_TRUE(answers_to(theirs, one, body).at(0)) << body;
  EXPECT_TRUE(answers_to(theirs, one, R"({"cancel_requested":true})").at(0)->cancel_requested);
}

TEST(Receipts, LogsSayWhatIsDurable) {
  EXPECT_EQ(committed_in(R"({"committed":7})"), 7u);
  EXPECT_EQ(committed_in(R"({"code":"range_not_satisfiable","committed":0})"), 0u);
  for (const char* body : {"", "<html>", "{}", "[7]", R"({"committed":null})",
                           R"({"committed":"7"})", R"({"committed":-1})"})
    EXPECT_FALSE(committed_in(body)) << body;
}

TEST(Receipts, FilesAreNamedWithTheirDigest) {
  const FileInfo file{.name = "a \"b\"", .size_bytes = 1, .sha256 = "0f", .content_type = {}};
  EXPECT_TRUE(has_stored(R"({"name":"a \"b\"","size_bytes":1,"sha256":"0f"})", file));
  for (const char* body : {"", "<html>", "{}", R"({"name":"a \"b\""})",
                           R"({"name":"c","sha256":"0f"})", R"({"name":"a \"b\"","sha256":"1f"})"})
    EXPECT_FALSE(has_stored(body, file)) << body;
}

}  // namespace
}  // namespace tandem::service
