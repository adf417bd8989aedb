#include "wire/list_json.h"

#include <gtest/gtest.h>

#include "wire/problem.h"
#include "wire/raw_json.h"

namespace tandem::wire {
namespace {

TEST(Cursor, ComesBack) {
  const std::string position("0190-\0x", 7);
  EXPECT_EQ(*decode_cursor("tasks", encode_cursor("tasks", position)), position);
  EXPECT_EQ(*decode_cursor("tasks", encode_cursor("tasks", "")), "");
}

TEST(Cursor, RefusesEveryAlteredCharacterAndOtherLists) {
  const std::string cursor = encode_cursor("tasks", "01890a5d-ac96-774b-bcce-b302099a8057");
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    std::string altered = cursor;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(decode_cursor("tasks", altered)) << i;
  }
  for (const std::string& text : {std::string(), cursor + "=", cursor + "A", cursor.substr(1),
                                  std::string("AAAA"), std::string(5000, 'A')}) {
    const auto decoded = decode_cursor("tasks", text);
    ASSERT_FALSE(decoded) << text.substr(0, 80);
    EXPECT_EQ(decoded.error().code, Errc::validation_failed);
    EXPECT_EQ(decoded.error().field, "cursor");
  }
  EXPECT_FALSE(decode_cursor("clients", cursor));
}

TEST(ListWriter, WritesItemsAndCursor) {
  std::string out;
  ListWriter list(out);
  list.items().integer(1).integer(2);
  list.finish("");
  EXPECT_EQ(out, R"({"items":[1,2],"next_cursor":null})");
}

TEST(Problem, ComesBackWithEveryCode) {
  for (int i = 0; i <= static_cast<int>(Errc::disk_full); ++i) {
    const auto code = static_cast<Errc>(i);
    const std::string text = encode_problem(fail(code, "why \"so\""), "req-1");
    ASSERT_TRUE(check_json(text)) << text;
    const Problem problem = decode_problem(text, Errc::internal);
    EXPECT_EQ(problem.error.code, code);
    EXPECT_EQ(problem.error.detail, "why \"so\"");
    EXPECT_EQ(problem.request_id, "req-1");
    EXPECT_EQ(raw_integer(*raw_member(text, "status")), row_of(code).http_status);
    EXPECT_TRUE(check_json(encode_oauth_problem(fail(code), "r")));
  }
}

TEST(Problem, CarriesFields) {
  const std::vector<FieldError> fields = {{"a", "is wrong"}, {"b", "too"}};
  const Problem problem =
      decode_problem(encode_problem(fail(Errc::validation_failed), "r", fields), Errc::internal);
  EXPECT_EQ(problem.fields, fields);
  const Problem one = decode_problem(
      encode_problem(fail(Errc::validation_failed, "is not right", "cursor"), "r"), Errc::internal);
  EXPECT_EQ(one.fields, (std::vector<FieldError>{{"cursor", "is not right"}}));
}

TEST(Problem, OtherTextsGiveTheFallback) {
  EXPECT_EQ(decode_problem("<html>", Errc::store_unavailable).error.code, Errc::store_unavailable);
}

TEST(Problem, OauthNamesItsErrors) {
  EXPECT_EQ(string_member(encode_oauth_problem(fail(Errc::token_reused), "r"), "error"),
            "invalid_grant");
  EXPECT_EQ(string_member(encode_oauth_problem(fail(Errc::validation_failed), "r"), "error"),
            "invalid_request");
}

}  // namespace
}  // namespace tandem::wire
