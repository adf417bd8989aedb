#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <queue>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace tandem::sim {

// Chance from a seed: the same seed, the same run.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::byte> out) override {
    while (!out.empty()) {
      const std::uint64_t value = step();
      const std::size_t size = std::min(out.size(), sizeof value);
      std::memcpy(out.data(), &value, size);
      out = out.subspan(size);
    }
  }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
  }

 private:
  std::uint64_t step() {  // SplitMix64 (Steele, Lea, Flood 2014)
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

// Time and order: events run one after the other, each at its time. Times in milliseconds.
class World final : public Clock {
 public:
  explicit World(std::uint64_t seed) : random(seed) {}

  WallTime wall() const override { return {1'790'000'000'000 + now_}; }
  MonoTime mono() const override { return {1000 + now_}; }
  std::int64_t now() const { return now_; }
  int next_number() { return ++numbers_; }

  void after(std::int64_t delay_ms, std::function<void()> event) {
    events_.push({now_ + delay_ms, ++count_, std::move(event)});
  }
  // A message on its way: late, and in the bad times lost or doubled.
  void send(const std::function<void()>& message) {
    if (faults && random.chance(0.04)) return;
    after(random.between(0, 12), message);
    if (faults && random.chance(0.04)) after(random.between(0, 3000), message);
  }
  void run_until(std::int64_t end_ms) {
    while (!events_.empty() && events_.top().when <= end_ms) {
      auto event = std::move(const_cast<Event&>(events_.top()));
      events_.pop();
      now_ = event.when;
      event.run();
    }
    now_ = end_ms;
  }

  SeededRandom random;
  bool faults = true;

 private:
  struct Event {
    std::int64_t when;
    std::uint64_t order;
    std::function<void()> run;
    bool operator<(const Event& other) const {
      return when != other.when ? when > other.when : order > other.order;
    }
  };
  std::int64_t now_ = 0;
  int numbers_ = 0;
  std::uint64_t count_ = 0;
  std::priority_queue<Event> events_;
};

}  // namespace tandem::sim
