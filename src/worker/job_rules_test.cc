#include "worker/job_rules.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace tandem::worker {
namespace {

TEST(JobRules, WhatTheFileDoesNotSayIsBuiltIn) {
  const JobRules rules;
  EXPECT_EQ(rules.log_bytes, limits::kMaxLogBytesPerAttempt);
  EXPECT_EQ(rules.output_bytes, limits::kMaxOutputBytes);
  EXPECT_FALSE(rules.limits.processes);
  EXPECT_FALSE(rules.timeout_ms);
  EXPECT_TRUE(rules.network);
  EXPECT_EQ(rules.masked("word"), "word");
  EXPECT_EQ(JobRules({}, 4096).limits.processes, 4096u);
  config::JobRules given;
  given.limits.processes = 7;
  EXPECT_EQ(JobRules(given, 4096).limits.processes, 7u);
}

TEST(JobRules, TheShorterTimeoutCounts) {
  config::JobRules given;
  EXPECT_EQ(JobRules(given, {}).timeout_of(std::nullopt), std::nullopt);
  EXPECT_EQ(JobRules(given, {}).timeout_of(50), 50);
  given.timeout_ms = 100;
  EXPECT_EQ(JobRules(given, {}).timeout_of(std::nullopt), 100);
  EXPECT_EQ(JobRules(given, {}).timeout_of(50), 50);
  EXPECT_EQ(JobRules(given, {}).timeout_of(500), 100);
}

TEST(JobRules, SecretsAreVariablesAndAreMasked) {
  config::JobRules given;
  given.env = {{"MODE", "fast"}};
  given.secrets = {{"API_KEY", "s3cr3t"}};
  const JobRules rules(given, {});
  EXPECT_EQ(rules.env.at("MODE"), "fast");
  EXPECT_EQ(rules.env.at("API_KEY"), "s3cr3t");
  EXPECT_EQ(rules.masked("the key is s3cr3t, fast"), "the key is ***, fast");
}

}  // namespace
}  // namespace tandem::worker
