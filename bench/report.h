#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tandem::bench {

enum class Better : bool { higher, lower };

// One line of the table.
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  Better better = Better::higher;
  std::optional<double> target;        // what the project wants to hold
  std::string reference_name;          // what it is compared with; empty: nothing
  double reference = 0;                // measured in the same run, in the same unit
  std::optional<double> server_cpu_s;  // CPU seconds of the server for 1,000 tasks (or units)
};

// Gathers figures and prints each as it comes.
class Report {
 public:
  void add(Figure figure);
  void note(const std::string& text) const;
  void write_json(const std::string& path) const;
  int missed() const;  // figures that do not hold their target
  const std::vector<Figure>& figures() const { return figures_; }

 private:
  std::vector<Figure> figures_;
};

}  // namespace tandem::bench
