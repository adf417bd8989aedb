#pragma once

#include <cstddef>
#include <string_view>

namespace tandem::config {

// How many characters are to be added, dropped or replaced to make one of the other (Levenshtein).
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace tandem::config
