#include "api/multipart.h"

#include <gtest/gtest.h>

#include <vector>

namespace tandem::api {
namespace {

using Event = MultipartReader::Event;

struct Seen {
  std::vector<std::string> parts;  // name|file name|type|data
  std::optional<Error> error;
  bool ended = false;
};

// Reads the body in pieces of `step` bytes.
Seen read_all(std::string_view body, std::size_t step) {
  MultipartReader reader("XX");
  Seen seen;
  std::string data;
  while (true) {
    const auto event = reader.next();
    if (!event) {
      seen.error = event.error();
      return seen;
    }
    if (*event == Event::need_more) {
      if (body.empty()) return seen;
      reader.feed(body.substr(0, step));
      body.remove_prefix(std::min(step, body.size()));
    } else if (*event == Event::part_begin) {
      data.clear();
    } else if (*event == Event::data) {
      data += reader.data();
    } else if (*event == Event::part_end) {
      const auto& part = reader.part();
      seen.parts.push_back(part.name + "|" + part.file_name.value_or("-") + "|" +
                           part.content_type + "|" + data);
    } else {
      seen.ended = true;
      return seen;
    }
  }
}

constexpr std::string_view kForm =
    "preamble\r\n--XX\r\nContent-Disposition: form-data; name=\"task\"\r\n\r\n{\"a\":1}\r\n"
    "--XX\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".txt\"\r\n"
    "Content-Type: text/plain\r\n\r\nline\r\n--X not yet\r\n\r\n--XX\r\n"
    "Content-Disposition: form-data; name=file; filename=empty\r\n\r\n\r\n--XX--\r\nepilogue";

TEST(Multipart, readsPartsHoweverTheyAreCut) {
  for (std::size_t step = 1; step <= kForm.size(); ++step) {
    const Seen seen = read_all(kForm, step);
    ASSERT_FALSE(seen.error) << step << " " << seen.error->detail;
    ASSERT_TRUE(seen.ended) << step;
    ASSERT_EQ(seen.parts.size(), 3u) << step;
    EXPECT_EQ(seen.parts[0], "task|-||{\"a\":1}");
    EXPECT_EQ(seen.parts[1], "file|a \"b\".txt|text/plain|line\r\n--X not yet\r\n");
    EXPECT_EQ(seen.parts[2], "file|empty||");
  }
}

TEST(Multipart, aBodyThatIsCutOffNeverEnds) {
  for (std::size_t size = 0; size + 20 < kForm.size(); ++size) {
    const Seen seen = read_all(kForm.substr(0, size), 7);
    EXPECT_FALSE(seen.ended) << size;
  }
}

TEST(Multipart, refusesWhatIsNoForm) {
  const auto code = [](std::string_view body) {
    const Seen seen = read_all(body, 1000);
    return seen.error ? seen.error->code : Errc::internal;
  };
  EXPECT_EQ(code("--XXjunk\r\n"), Errc::bad_multipart);
  EXPECT_EQ(code("--XX\r\n\r\nno headers\r\n--XX--"), Errc::bad_multipart);
  EXPECT_EQ(code("--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n"), Errc::bad_multipart);
  EXPECT_EQ(code("--XX\r\nno colon\r\n\r\n"), Errc::bad_multipart);
  EXPECT_EQ(code("--XX\r\nContent-Disposition: form-data; name=a\r\n"
                 "Content-Transfer-Encoding: base64\r\n\r\n"),
            Errc::bad_multipart);
  EXPECT_EQ(code("--XX\r\nA: " + std::string(10'000, 'a')), Errc::bad_multipart);
  EXPECT_EQ(code(std::string(10'000, 'a')), Errc::bad_multipart);
}

TEST(Multipart, aLineEndWithinANameIsNoEndOfIt) {
  for (const char* name : {"a\r\nb\"", "a\r\nX: b\"", "a\\\"\r\nX: b", "a"}) {
    const Seen seen =
        read_all("--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" +
                     std::string(name) + "\r\n\r\nx\r\n--XX--",
                 7);
    ASSERT_TRUE(seen.error) << name;
    EXPECT_EQ(seen.error->code, Errc::validation_failed) << name;
    EXPECT_TRUE(seen.parts.empty());
  }
}

TEST(Multipart, boundary) {
  EXPECT_EQ(boundary_of("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(boundary_of("multipart/form-data; charset=utf-8; boundary=\"a b\"").value(), "a b");
  EXPECT_FALSE(boundary_of("multipart/form-data"));
  EXPECT_FALSE(boundary_of("multipart/form-data; boundary="));
  EXPECT_FALSE(boundary_of("multipart/form-data; boundary=" + std::string(71, 'a')));
}

}  // namespace
}  // namespace tandem::api
