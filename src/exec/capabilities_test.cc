#include "exec/capabilities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace tandem::exec {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Capabilities all_there() {
  Capabilities found;
  found.containment = Containment::cgroup;
  found.memory_limit = found.process_limit = found.other_users = found.no_network = true;
  return found;
}

std::vector<std::string> said_without(const std::function<void(Capabilities&)>& take_away) {
  Capabilities found = all_there();
  take_away(found);
  say_what_is_missing(found);
  return found.missing;
}

TEST(Capabilities, WhereAllIsThereNothingIsSaid) {
  EXPECT_THAT(said_without([](Capabilities&) {}), testing::IsEmpty());
}

TEST(Capabilities, EachThatIsMissingIsSaidAlone) {
  EXPECT_THAT(said_without([](auto& found) { found.containment = Containment::lineage; }),
              ElementsAre(HasSubstr("found by lineage")));
  EXPECT_THAT(said_without([](auto& found) { found.memory_limit = false; }),
              ElementsAre(HasSubstr("address space")));
  EXPECT_THAT(said_without([](auto& found) { found.process_limit = false; }),
              ElementsAre(HasSubstr("does not hold for root")));
  EXPECT_THAT(said_without([](auto& found) { found.other_users = false; }),
              ElementsAre(HasSubstr("may not change users")));
  EXPECT_THAT(said_without([](auto& found) { found.no_network = false; }),
              ElementsAre(HasSubstr("cut off the network")));
}

TEST(Capabilities, WhereNothingIsThereAllIsSaid) {
  Capabilities none;
  say_what_is_missing(none);
  EXPECT_EQ(none.missing.size(), 5u);
}

TEST(Capabilities, TheyComeThroughTheGuardsPipe) {
  for (std::int64_t bits = 0; bits < 32; ++bits) {
    Capabilities found;
    found.set_bits(bits);
    EXPECT_EQ(found.bits(), bits);
  }
  EXPECT_EQ(all_there().bits(), 31);
}

}  // namespace
}  // namespace tandem::exec
