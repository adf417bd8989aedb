#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"

namespace tandem::exec {

// Cuts what a job writes on its control pipe into lines, whatever the pieces it comes in. Lines end
// with \n (a \r before it is taken off); empty lines are skipped. What a line says is not looked
// at.
class ControlPipe {
 public:
  // A result at its limit, and what stands around it.
  static constexpr std::size_t kMaxLineBytes = limits::kMaxResultBytes + 1024;

  // Returns the lines that are complete now, in order, without their ends. A longer line than
  // kMaxLineBytes is dropped to its end and counted; memory is bounded by one line.
  std::vector<std::string> push(std::string_view data);
  // The pipe ended: what it held without an end of line, or nothing.
  std::vector<std::string> finish();

  // Lines dropped because they were too long, so far.
  std::uint64_t dropped_lines() const { return dropped_lines_; }

 private:
  void take(std::string_view part);
  void end_line(std::vector<std::string>& lines);

  std::string line_;
  bool dropping_ = false;
  std::uint64_t dropped_lines_ = 0;
};

}  // namespace tandem::exec
