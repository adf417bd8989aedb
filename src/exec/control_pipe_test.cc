#include "exec/control_pipe.h"

#include <gmock/gmock.h>

namespace tandem::exec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ControlPipe, CutsLinesWhateverThePieces) {
  ControlPipe pipe;
  EXPECT_THAT(pipe.push("one\ntw"), ElementsAre("one"));
  EXPECT_THAT(pipe.push("o\r\n\n\nthree"), ElementsAre("two"));
  EXPECT_THAT(pipe.finish(), ElementsAre("three"));
  EXPECT_THAT(pipe.finish(), IsEmpty());
  EXPECT_EQ(pipe.dropped_lines(), 0u);
}

TEST(ControlPipe, EveryCutOfAStreamGivesTheSameLines) {
  const std::string stream = "a\nbb\n\nccc\r\nd";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    ControlPipe pipe;
    auto lines = pipe.push(stream.substr(0, cut));
    for (auto& line : pipe.push(stream.substr(cut))) lines.push_back(line);
    for (auto& line : pipe.finish()) lines.push_back(line);
    EXPECT_THAT(lines, ElementsAre("a", "bb", "ccc", "d")) << cut;
  }
}

TEST(ControlPipe, ATooLongLineIsDroppedAndCountedAndTheNextIsRead) {
  ControlPipe pipe;
  const std::string longest(ControlPipe::kMaxLineBytes, 'x');
  EXPECT_THAT(pipe.push(longest + "\n"), ElementsAre(longest));
  EXPECT_THAT(pipe.push(longest), IsEmpty());
  EXPECT_THAT(pipe.push("y"), IsEmpty());
  EXPECT_THAT(pipe.push(longest), IsEmpty());
  EXPECT_THAT(pipe.push("z\nnext\n"), ElementsAre("next"));
  EXPECT_EQ(pipe.dropped_lines(), 1u);
}

}  // namespace
}  // namespace tandem::exec
