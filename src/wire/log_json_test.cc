#include "wire/log_json.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "base/limits.h"
#include "wire/control_line.h"
#include "wire/raw_json.h"

namespace tandem::wire {
namespace {

RC_GTEST_PROP(LogJson, AnyBytesComeBack, (const std::vector<std::string>& pieces)) {
  std::vector<LogLine> lines;
  for (const std::string& piece : pieces)
    lines.push_back({lines.size() + 7, WallTime{1'700'000'000'123}, 3, "stderr", piece});
  if (lines.empty()) return;
  std::string text;
  encode_log_batch(lines, text);
  const auto batch = decode_log_batch(text);
  RC_ASSERT(batch.has_value());
  RC_ASSERT(batch->records.size() == pieces.size());
  std::string page = "{\"items\":";
  encode_log_lines(lines, page);
  const auto items = decode_log_lines(page + "}");
  RC_ASSERT(items.has_value());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    RC_ASSERT(batch->records[i].data == pieces[i]);
    RC_ASSERT(batch->records[i].seq == lines[i].seq);
    RC_ASSERT((*items)[i].data == pieces[i]);
    RC_ASSERT((*items)[i].attempt == 3u);
  }
}

TEST(LogJson, BytesThatAreNotUtf8GoAsBase64) {
  std::string text;
  encode_log_line({1, WallTime{0}, 1, "stdout", "\xff\xfe"}, text);
  EXPECT_EQ(text, R"({"seq":1,"ts":"1970-01-01T00:00:00.000Z","attempt":1,)"
                  R"("stream":"stdout","data_base64":"//4="})");
}

TEST(LogJson, RefusesWhatIsNotDenseOrWhole) {
  const std::string ts = R"("ts":"2026-01-01T00:00:00Z")";
  const auto batch = [](const std::string& record) {
    return decode_log_batch(R"({"attempt":1,"first_seq":5,"records":[)" + record + "]}");
  };
  EXPECT_TRUE(batch("{" + ts + R"(,"stream":"stdout","data":"x","seq":5,"attempt":1})"));
  for (const char* rest :
       {R"("stream":"stdout","data":"x","seq":6)", R"("stream":"stdout","data":"x","attempt":2)",
        R"("stream":"other","data":"x")", R"("stream":"stdout")", R"("data":"x")",
        R"("stream":"stdout","data":"x","data_base64":"eA==")",
        R"("stream":"stdout","data_base64":"e")", R"("stream":"stdout","data":"x","z":1)"})
    EXPECT_FALSE(batch("{" + ts + "," + rest + "}")) << rest;
  EXPECT_FALSE(batch(R"({"stream":"stdout","data":"x"})"));
  EXPECT_FALSE(batch("1"));
  const std::string big(limits::kMaxRecordBytes + 1, 'x');
  EXPECT_FALSE(batch("{" + ts + R"(,"stream":"stdout","data":")" + big + "\"}"));
  EXPECT_FALSE(decode_log_batch(R"({"attempt":0,"first_seq":1,"records":[]})"));
  EXPECT_FALSE(decode_log_batch(R"({})"));
}

TEST(ControlLine, ReadsItsThreeKinds) {
  const auto progress = decode_control_line(R"({"type":"progress","percent":40,"message":"m"})");
  ASSERT_TRUE(progress);
  EXPECT_EQ(std::get<Progress>(*progress), (Progress{40.0, "m"}));
  const auto result = decode_control_line(R"({"type":"result","value":{ "a" : 1.0 }})");
  ASSERT_TRUE(result);
  EXPECT_EQ(std::get<ResultLine>(*result).value, R"({"a":1.0})");
  const auto input =
      decode_control_line(R"({"type":"input_request","prompt":"p","password":true})");
  ASSERT_TRUE(input);
  EXPECT_TRUE(std::get<InputRequestLine>(*input).password);
  EXPECT_TRUE(decode_control_line(R"({"type":"progress","percent":1,"new":2})"));
}

TEST(ControlLine, RefusesTheRest) {
  for (const char* line :
       {"", "x", "1", "{}", R"({"type":"other"})", R"({"type":"result"})", R"({"type":1})",
        R"({"type":"progress","percent":101})", R"({"type":"progress","percent":"1"})",
        R"({"type":"input_request","password":"yes"})"})
    EXPECT_FALSE(decode_control_line(line)) << line;
}

}  // namespace
}  // namespace tandem::wire
