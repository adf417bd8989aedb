#include "queue/sightings.h"

#include <gtest/gtest.h>

#include "store/memory/memory_store.h"

namespace tandem::queue {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;

class SightingsTest : public testing::Test {
 protected:
  SightingsTest() {
    store_.begin().value();
    for (std::uint16_t i = 0; i < kWorkers; ++i) {
      store::WorkerRecord record;
      record.worker_id = id_of(i);
      record.token_sha256 = std::to_string(i);
      store_.workers().insert_worker(record).value();
    }
    store_.commit().value();
  }
  static WorkerId id_of(std::uint16_t number) {
    WorkerId id;
    id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
    id.bytes[15] = static_cast<std::uint8_t>(number & 0xff);
    return id;
  }
  void write(std::int64_t now_ms, bool committed = true) {
    store_.begin().value();
    sightings_.write(store_.workers(), {now_ms}).value();
    committed ? store_.commit().value() : store_.rollback();
    sightings_.settle(committed);
  }
  std::optional<WallTime> stored(std::uint16_t number) {
    return store_.workers().find_worker(id_of(number)).value().value().last_seen_at;
  }
  int stored_count() {
    int count = 0;
    for (std::uint16_t i = 0; i < kWorkers; ++i) count += stored(i).has_value() ? 1 : 0;
    return count;
  }

  static constexpr std::uint16_t kWorkers = 700;
  store::MemoryStore store_;
  Sightings sightings_;
};

TEST_F(SightingsTest, RemembersWhenItHeardOfAWorker) {
  EXPECT_FALSE(sightings_.last(id_of(1)));
  sightings_.see(id_of(1), {42});
  EXPECT_EQ(sightings_.last(id_of(1)), WallTime{42});
  EXPECT_FALSE(sightings_.last(id_of(2)));
}

TEST_F(SightingsTest, WritesWhatIsNewOnceAMinute) {
  sightings_.see(id_of(1), {42});
  write(1000);
  EXPECT_EQ(stored(1), WallTime{42});
  sightings_.see(id_of(1), {43});
  write(999 + kMinuteMs);
  EXPECT_EQ(stored(1), WallTime{42});
  write(1000 + kMinuteMs);
  EXPECT_EQ(stored(1), WallTime{43});
}

TEST_F(SightingsTest, WritesManyInPieces) {
  for (std::uint16_t i = 0; i < kWorkers; ++i) sightings_.see(id_of(i), {42});
  write(1000);
  EXPECT_EQ(stored_count(), 500);
  write(1001);
  EXPECT_EQ(stored_count(), kWorkers);
}

TEST_F(SightingsTest, WritesAgainWhatWasNotCommitted) {
  sightings_.see(id_of(1), {42});
  write(1000, false);
  EXPECT_FALSE(stored(1));
  write(1001);
  EXPECT_EQ(stored(1), WallTime{42});
}

TEST_F(SightingsTest, WritesAllAtTheEnd) {
  write(1000);
  for (std::uint16_t i = 0; i < kWorkers; ++i) sightings_.see(id_of(i), {42});
  sightings_.write_all(store_);
  EXPECT_EQ(stored_count(), kWorkers);
}

}  // namespace
}  // namespace tandem::queue
