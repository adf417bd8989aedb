// What a job writes on its control pipe: any bytes, in any pieces.
#include "exec/control_pipe.h"

#include <algorithm>

#include "base/encoding.h"
#include "tests/fuzz/target.h"
#include "wire/control_line.h"
#include "wire/raw_json.h"

namespace tandem::fuzz {
namespace {

using Lines = std::vector<std::string>;

void append(Lines& lines, Lines more) {
  for (std::string& line : more) lines.push_back(std::move(line));
}

Lines cut_whole(std::string_view input) {
  exec::ControlPipe pipe;
  Lines lines = pipe.push(input);
  append(lines, pipe.finish());
  return lines;
}

Lines cut_in_pieces(std::string_view input) {
  exec::ControlPipe pipe;
  Lines lines;
  for (Pieces pieces(input); !pieces.at_end();) append(lines, pipe.push(pieces.next()));
  append(lines, pipe.finish());
  return lines;
}

struct Judge {
  std::string_view line;
  void operator()(const Progress& progress) const {
    if (progress.percent) TANDEM_ASSERT(*progress.percent >= 0 && *progress.percent <= 100);
    TANDEM_ASSERT(progress.message.size() <= limits::kMaxMessageBytes);
    TANDEM_ASSERT(is_utf8(progress.message));
  }
  void operator()(const wire::ResultLine& result) const {
    TANDEM_ASSERT(wire::check_json(result.value));
    TANDEM_ASSERT(result.value.size() <= limits::kMaxResultBytes);
    const auto again =
        wire::decode_control_line("{\"type\":\"result\",\"value\":" + result.value + "}");
    TANDEM_ASSERT(again && std::get<wire::ResultLine>(*again).value == result.value);
  }
  void operator()(const wire::InputRequestLine& request) const {
    TANDEM_ASSERT(request.prompt.size() <= limits::kMaxMessageBytes && is_utf8(request.prompt));
  }
};

}  // namespace

void check(std::string_view input) {
  const Lines lines = cut_whole(input);
  TANDEM_ASSERT(lines == cut_in_pieces(input));
  std::size_t bytes = 0;
  for (const std::string& line : lines) {
    bytes += line.size();
    TANDEM_ASSERT(!line.empty() && line.find('\n') == line.npos);
    TANDEM_ASSERT(input.find(line) != input.npos);
    if (const auto said = wire::decode_control_line(line)) std::visit(Judge{line}, *said);
  }
  TANDEM_ASSERT(bytes <= input.size());
}

}  // namespace tandem::fuzz
