#include "wire/json.h"

#include <gtest/gtest.h>

#include "wire/json_writer.h"
#include "wire/raw_json.h"

namespace tandem::wire {
namespace {

TEST(Json, RefusesWhatIsNotStrictJson) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string_view text :
       std::initializer_list<std::string_view>{"",
                                               " ",
                                               "{",
                                               "{\"a\":1",
                                               "{'a':1}",
                                               "{\"a\":1,}",
                                               "[1,]",
                                               "{\"a\":1} x",
                                               "{}{}",
                                               "// c\n{}",
                                               "{\"a\":NaN}",
                                               "{\"a\":Infinity}",
                                               "{\"a\":-Infinity}",
                                               "[1e999]",
                                               "[01]",
                                               "[+1]",
                                               "[.5]",
                                               "[1.]",
                                               "\"\xff\"",
                                               "\"\xc0\xaf\"",
                                               "\"\xed\xa0\x80\"",
                                               "\"\\ud800\"",
                                               "\"a\nb\"",
                                               "\"\\x41\"",
                                               "tru",
                                               "\xEF\xBB\xBF{}",
                                               "{\"a\":1,\"a\":2}",
                                               "{\"a\":1,\"\\u0061\":2}",
                                               "{\"o\":[{\"b\":1,\"c\":2,\"b\":3}]}",
                                               deep}) {
    const auto checked = check_json(text);
    ASSERT_FALSE(checked) << text.substr(0, 60);
    EXPECT_EQ(checked.error().code, Errc::bad_json) << text.substr(0, 60);
  }
}

TEST(Json, TakesDepthUpToTheBound) {
  EXPECT_TRUE(check_json(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(check_json(std::string(65, '[') + std::string(65, ']')));
}

TEST(Json, TakesBlanksAroundAndSameNamesInDifferentObjects) {
  EXPECT_TRUE(check_json(" \n{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}\t\r\n "));
}

TEST(Json, DuplicatesAmongManyMembersAreFound) {
  std::string text = "{";
  for (int i = 0; i < 500; ++i) text += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(check_json(text + "\"last\":0}"));
  EXPECT_FALSE(check_json(text + "\"k77\":0}"));
}

TEST(RawJson, FindsMembersAsTheyWereWritten) {
  const std::string_view text =
      R"( { "a" : [1, "]}" , {"x":2}] , "pay\u006coad":{ "n" : 1.50 } } )";
  EXPECT_EQ(raw_member(text, "a"), R"([1, "]}" , {"x":2}])");
  EXPECT_EQ(raw_member(text, "payload"), R"({ "n" : 1.50 })");
  EXPECT_EQ(raw_member(text, "x"), std::nullopt);
  EXPECT_EQ(raw_member("[1]", "x"), std::nullopt);
  const auto elements = raw_elements(*raw_member(text, "a"));
  ASSERT_EQ(elements.size(), 3u);
  EXPECT_EQ(raw_string(elements[1]), "]}");
  EXPECT_EQ(raw_members(text).at(1).first, "payload");
  EXPECT_TRUE(raw_elements("[ ]").empty());
}

TEST(RawJson, CompactKeepsNumbersEscapesAndBlanksInStrings) {
  std::string out;
  append_compact(out, "{ \"a b\" : \"c \\\" d\" ,\n \"n\" : 1.500e3 , \"\\u00e9\" : [ ] }");
  EXPECT_EQ(out, R"({"a b":"c \" d","n":1.500e3,"\u00e9":[]})");
}

TEST(RawJson, ReadsScalarsOfTheirOwnKindOnly) {
  EXPECT_EQ(raw_integer("42"), 42);
  EXPECT_EQ(raw_integer("\"42\""), std::nullopt);
  EXPECT_EQ(raw_number("1.5"), 1.5);
  EXPECT_EQ(raw_bool("true"), true);
  EXPECT_EQ(raw_bool("1"), std::nullopt);
  EXPECT_EQ(string_member(R"({"a":"b\n"})", "a"), "b\n");
}

TEST(JsonWriter, EscapesAndMends) {
  std::string out;
  append_json_string(out, std::string_view("a\"\\\n\x01\0é", 8));
  EXPECT_EQ(out, "\"a\\\"\\\\\\n\\u0001\\u0000é\"");
  EXPECT_TRUE(check_json(out));
  out.clear();
  append_json_string(out,
                     "a\xff"
                     "b\xe2\x82");
  EXPECT_TRUE(check_json(out)) << out;
  EXPECT_EQ(out,
            "\"a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonWriter, PlacesCommas) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().key("a").begin_array().integer(1).begin_object().end_object().null();
  writer.end_array()
      .key("t")
      .seconds(1500)
      .key("u")
      .seconds(2000)
      .key("e")
      .begin_array()
      .end_array();
  writer.key("b").boolean(true).key("n").number(1.0 / 0.0).end_object();
  EXPECT_EQ(out, R"({"a":[1,{},null],"t":1.5,"u":2,"e":[],"b":true,"n":null})");
}

}  // namespace
}  // namespace tandem::wire
