#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::blobs {

// As S3 signs it: all but letters, digits and -._~ as %XX; slashes stay where they are told to.
std::string percent_encoded(std::string_view text, bool keep_slashes);
std::optional<std::string> percent_decoded(std::string_view text);
// name=value&…, in the order in which it is signed.
std::string query_text(const std::map<std::string, std::string>& query);

// The texts of all elements of this name in an answer of S3, unescaped. Enough for what S3 answers:
// elements without attributes, names that are unique.
std::vector<std::string> xml_texts(std::string_view xml, std::string_view name);
std::string xml_text(std::string_view xml, std::string_view name);  // the first; "" where none

}  // namespace tandem::blobs
