#include "report.h"

#include <fmt/core.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace tandem::bench {
namespace {

bool holds(const Figure& figure) {
  if (!figure.target) return true;
  return figure.better == Better::higher ? figure.value >= *figure.target
                                         : figure.value <= *figure.target;
}

std::string number(double value) {
  if (std::abs(value) >= 1000) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

}  // namespace

void Report::add(Figure figure) {
  std::string line =
      fmt::format("{:<46} {:>10} {:<10}", figure.name, number(figure.value), figure.unit);
  if (figure.target)
    line += fmt::format(" {} {:<8} {:<7}",
                        figure.better == Better::higher ? ">=" : "<=", number(*figure.target),
                        holds(figure) ? "holds" : "MISSED");
  if (figure.server_cpu_s) line += fmt::format(" cpu {:.3f} s/1000", *figure.server_cpu_s);
  if (!figure.reference_name.empty())
    line += fmt::format(" [{}: {}]", figure.reference_name, number(figure.reference));
  fmt::print("{}\n", line);
  std::fflush(stdout);
  figures_.push_back(std::move(figure));
}

void Report::note(const std::string& text) const {
  fmt::print("-- {}\n", text);
  std::fflush(stdout);
}

int Report::missed() const {
  int missed = 0;
  for (const Figure& figure : figures_) missed += holds(figure) ? 0 : 1;
  return missed;
}

void Report::write_json(const std::string& path) const {
  boost::json::array rows;
  for (const Figure& figure : figures_) {
    boost::json::object row{{"name", figure.name}, {"value", figure.value}, {"unit", figure.unit}};
    row["better"] = figure.better == Better::higher ? "higher" : "lower";
    if (figure.target) row["target"] = *figure.target;
    if (figure.target) row["holds"] = holds(figure);
    if (figure.server_cpu_s) row["server_cpu_s_per_1000"] = *figure.server_cpu_s;
    if (!figure.reference_name.empty())
      row["reference"] = {{"name", figure.reference_name}, {"value", figure.reference}};
    rows.push_back(std::move(row));
  }
  std::ofstream(path) << boost::json::serialize(boost::json::object{{"figures", rows}}) << '\n';
}

}  // namespace tandem::bench
