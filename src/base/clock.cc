#include "base/clock.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>

namespace tandem {
namespace {

constexpr WallTime kLastWallTime{253'402'300'799'999};  // 9999-12-31T23:59:59.999Z

std::int64_t read_ms(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  for (char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// Reads ".123456" at `at`; moves `at` behind it. Milliseconds; more digits are cut.
std::optional<int> fraction_ms(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return 0;
  int value = 0, scale = 100;
  const std::size_t first = ++at;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
    value += (text[at] - '0') * scale;
  if (at == first) return std::nullopt;
  return value;
}

std::optional<int> offset_minutes(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto hours = digits(text, 1, 2), minutes = digits(text, 4, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const int value = *hours * 60 + *minutes;
  return text[0] == '-' ? -value : value;
}

constexpr std::int64_t kFirstMs = -62'167'219'200'000;  // of the year 0

void put_digits(std::string& text, std::size_t at, std::size_t count, unsigned number) {
  for (std::size_t i = count; i-- > 0; number /= 10)
    text[at + i] = static_cast<char>('0' + number % 10);
}

}  // namespace

SystemClock::SystemClock()
    : wall_minus_mono_ms_(read_ms(CLOCK_REALTIME) - read_ms(CLOCK_MONOTONIC)) {}

WallTime SystemClock::wall() const { return {mono().ms + wall_minus_mono_ms_}; }
MonoTime SystemClock::mono() const { return {read_ms(CLOCK_MONOTONIC)}; }

std::string to_rfc3339(WallTime time) {
  using namespace std::chrono;
  // By hand: a task has up to six times, and formatting them was most of what writing one cost.
  // What RFC 3339 can't write becomes the first or the last moment that it can.
  const sys_time<milliseconds> point{milliseconds{std::clamp(time.ms, kFirstMs, kLastWallTime.ms)}};
  const auto day = floor<days>(point);
  const year_month_day date{day};
  const auto ms = static_cast<unsigned>((point - day).count());
  std::string text = "0000-00-00T00:00:00.000Z";
  put_digits(text, 0, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put_digits(text, 5, 2, static_cast<unsigned>(date.month()));
  put_digits(text, 8, 2, static_cast<unsigned>(date.day()));
  put_digits(text, 11, 2, ms / 3'600'000);
  put_digits(text, 14, 2, ms / 60'000 % 60);
  put_digits(text, 17, 2, ms / 1000 % 60);
  put_digits(text, 20, 3, ms % 1000);
  return text;
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return std::nullopt;
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const year_month_day date{std::chrono::year{*year}, std::chrono::month(*month),
                            std::chrono::day(*day)};
  if (!date.ok() || *year < 1970) return std::nullopt;
  std::size_t at = 19;
  const auto fraction = fraction_ms(text, at);
  const auto offset = offset_minutes(text.substr(at));
  if (!fraction || !offset) return std::nullopt;
  const auto seconds_of_day = hours{*hour} + minutes{*minute - *offset} + seconds{*second};
  const auto total = sys_days{date}.time_since_epoch() + seconds_of_day;
  const WallTime time{duration_cast<milliseconds>(total).count() + *fraction};
  if (time < WallTime{0} || time > kLastWallTime) return std::nullopt;  // an offset led out
  return time;
}

}  // namespace tandem
