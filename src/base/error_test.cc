#include "base/error.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <stdexcept>

#include "base/assert.h"
#include "base/result.h"

namespace tandem {
namespace {

struct Expected {
  Errc code;
  std::string_view name;
  int http_status;
  bool retryable;
};

// What clients rely on, written a second time on purpose: a change here is a change of the API.
constexpr Expected kExpected[] = {
    {Errc::bad_request, "bad_request", 400, false},
    {Errc::bad_json, "bad_json", 400, false},
    {Errc::bad_multipart, "bad_multipart", 400, false},
    {Errc::unauthenticated, "unauthenticated", 401, false},
    {Errc::token_invalid, "token_invalid", 401, false},
    {Errc::token_expired, "token_expired", 401, false},
    {Errc::token_in_url, "token_in_url", 401, false},
    {Errc::token_reused, "token_reused", 401, false},
    {Errc::token_revoked, "token_revoked", 401, false},
    {Errc::invalid_client, "invalid_client", 401, false},
    {Errc::invalid_grant, "invalid_grant", 401, false},
    {Errc::unsupported_grant_type, "unsupported_grant_type", 400, false},
    {Errc::invalid_scope, "invalid_scope", 400, false},
    {Errc::forbidden, "forbidden", 403, false},
    {Errc::mode_disabled, "mode_disabled", 403, false},
    {Errc::origin_not_allowed, "origin_not_allowed", 403, false},
    {Errc::not_found, "not_found", 404, false},
    {Errc::no_output, "no_output", 404, false},
    {Errc::method_not_allowed, "method_not_allowed", 405, false},
    {Errc::request_timeout, "request_timeout", 408, true},
    {Errc::stale_attempt, "stale_attempt", 409, false},
    {Errc::task_active, "task_active", 409, false},
    {Errc::already_finished, "already_finished", 409, false},
    {Errc::not_finished, "not_finished", 409, true},
    {Errc::not_waiting, "not_waiting", 409, false},
    {Errc::illegal_transition, "illegal_transition", 409, false},
    {Errc::conflict, "conflict", 409, false},
    {Errc::too_large, "too_large", 413, false},
    {Errc::unsupported_media_type, "unsupported_media_type", 415, false},
    {Errc::range_not_satisfiable, "range_not_satisfiable", 416, false},
    {Errc::validation_failed, "validation_failed", 422, false},
    {Errc::idempotency_key_reused, "idempotency_key_reused", 422, false},
    {Errc::upgrade_required, "upgrade_required", 426, false},
    {Errc::too_many_requests, "too_many_requests", 429, true},
    {Errc::headers_too_large, "headers_too_large", 431, false},
    {Errc::internal, "internal", 500, true},
    {Errc::not_implemented, "not_implemented", 501, false},
    {Errc::store_unavailable, "store_unavailable", 503, true},
    {Errc::overloaded, "overloaded", 503, true},
    {Errc::shutting_down, "shutting_down", 503, true},
    {Errc::disk_full, "disk_full", 507, true},
};

TEST(ErrorTable, EveryCodeIsAsPromised) {
  ASSERT_EQ(std::size(kExpected), static_cast<std::size_t>(Errc::disk_full) + 1);
  std::set<std::string_view> names;
  for (const Expected& expected : kExpected) {
    const ErrorRow& row = row_of(expected.code);
    EXPECT_EQ(row.code, expected.code);
    EXPECT_EQ(row.name, expected.name);
    EXPECT_EQ(row.http_status, expected.http_status) << row.name;
    EXPECT_EQ(row.retryable, expected.retryable) << row.name;
    EXPECT_EQ(to_string(expected.code), expected.name);
    EXPECT_EQ(errc_from_name(expected.name), expected.code);
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " is there twice";
  }
}

TEST(ErrorTable, EverySentenceIsOneForAPerson) {
  for (const Expected& expected : kExpected) {
    const std::string_view sentence = row_of(expected.code).sentence;
    ASSERT_FALSE(sentence.empty()) << expected.name;
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(sentence.front()))) << sentence;
    EXPECT_NE(sentence.back(), '.') << sentence;
    EXPECT_EQ(sentence.find('_'), sentence.npos) << sentence;
  }
}

TEST(ErrorTable, NamesAreExact) {
  for (std::string_view name : {"", "Not_found", "not_found ", "notfound", "ok"})
    EXPECT_EQ(errc_from_name(name), std::nullopt) << name;
}

TEST(ErrorTableDeathTest, ACodeThatIsNoneAborts) {
  EXPECT_DEATH(static_cast<void>(row_of(static_cast<Errc>(10'000))), "assertion failed");
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 7;
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 7);
  const Result<int> bad = fail(Errc::not_found, "There is no such task.", "task_id");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::not_found);
  EXPECT_EQ(bad.error().detail, "There is no such task.");
  EXPECT_EQ(bad.error().field, "task_id");
}

TEST(Result, ValueOfAnErrorThrowsWithItsName) {
  const Result<int> bad = fail(Errc::disk_full, "No room is left.");
  try {
    static_cast<void>(bad.value());
    FAIL() << "value() of an error must throw";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string_view(error.what()).find("disk_full: No room is left."), std::string::npos)
        << error.what();
  }
}

TEST(AssertDeathTest, SaysWhatAndWhere) {
  TANDEM_ASSERT(1 + 1 == 2);
  EXPECT_DEATH(TANDEM_ASSERT(1 + 1 == 3), "error_test.cc:[0-9]+: assertion failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace tandem
