#include "worker/remote/attempt_book.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/random.h"

namespace tandem::worker::remote {
namespace {

TEST(AttemptBook, KeepsIdsOfAnyForm) {
  SystemClock clock;
  SystemRandom random;
  IdSource ids(clock, random);
  AttemptBook book(ids);
  const ServiceName ours{"01890000-0000-7000-8000-000000000001", 3}, theirs{"order 7", 0};
  EXPECT_EQ(to_string(book.add(ours).task_id), ours.task_id);
  const AttemptKey key = book.add(theirs);
  EXPECT_EQ(key.attempt, 1u);
  EXPECT_EQ(book.find(theirs), key);
  EXPECT_EQ(book.latest("order 7"), key);
  EXPECT_EQ(book.name_of(key)->task_id, "order 7");
  EXPECT_FALSE(book.latest("order"));
  book.remove(key);
  EXPECT_FALSE(book.find(theirs));
}

}  // namespace
}  // namespace tandem::worker::remote
