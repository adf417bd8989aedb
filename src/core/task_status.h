#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace tandem {

// A task's life:
//
//   scheduled ──▶ pending ──▶ assigned ──▶ running ◀──▶ waiting_for_input
//       ▲            ▲  ◀─────────┘ offer not accepted      │
//       └── retry ───┴────────────────────────┴─────────────┤
//                                                           ▼
//                                        completed │ failed │ cancelled
enum class TaskStatus : std::uint8_t {
  scheduled,
  pending,
  assigned,
  running,
  waiting_for_input,
  completed,
  failed,
  cancelled,
};
inline constexpr std::size_t kTaskStatusCount = 8;

std::string_view to_string(TaskStatus status);
std::optional<TaskStatus> task_status_from(std::string_view name);

// completed, failed, cancelled: final; nothing but an explicit retry or a delete follows.
bool is_terminal(TaskStatus status);
// assigned, running, waiting_for_input: leased to a worker.
bool is_leased(TaskStatus status);
// May a worker's update set it? (`released` is an update, not a status.)
bool is_settable_by_worker(TaskStatus status);

// The legal transitions, the only such table; the migrations repeat it and a test compares them.
bool may_follow(TaskStatus from, TaskStatus to);

// A set of statuses, for guards and filters.
class StatusSet {
 public:
  constexpr StatusSet() = default;
  constexpr StatusSet(std::initializer_list<TaskStatus> statuses) {
    for (TaskStatus status : statuses) insert(status);
  }
  constexpr void insert(TaskStatus status) { bits_ |= 1u << static_cast<unsigned>(status); }
  constexpr bool contains(TaskStatus status) const {
    return (bits_ >> static_cast<unsigned>(status) & 1u) != 0;
  }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const StatusSet&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

inline constexpr std::array<TaskStatus, kTaskStatusCount> kAllStatuses = {
    TaskStatus::scheduled, TaskStatus::pending,           TaskStatus::assigned,
    TaskStatus::running,   TaskStatus::waiting_for_input, TaskStatus::completed,
    TaskStatus::failed,    TaskStatus::cancelled};

}  // namespace tandem
