// multipart/form-data of a submission with files. The boundary is XX.
#include "api/multipart.h"

#include <algorithm>

#include "tests/fuzz/target.h"

namespace tandem::fuzz {
namespace {

using Event = api::MultipartReader::Event;

struct Part {
  std::string name, content_type, data;
  std::optional<std::string> file_name;
  bool whole = false;
  bool operator==(const Part&) const = default;
};

struct Form {
  std::vector<Part> parts;
  bool ended = false, refused = false;
  bool operator==(const Form&) const = default;
};

// True when there is nothing more to come.
bool drain(api::MultipartReader& reader, Form& form) {
  while (true) {
    const auto event = reader.next();
    if (!event) {
      const Errc code = event.error().code;
      TANDEM_ASSERT(code == Errc::bad_multipart || code == Errc::validation_failed);
      form.refused = true;
      return true;
    }
    if (*event == Event::need_more) return false;
    if (*event == Event::part_begin) {
      const auto& part = reader.part();
      TANDEM_ASSERT(!part.name.empty());
      form.parts.push_back({part.name, part.content_type, "", part.file_name});
    } else if (*event == Event::data) {
      TANDEM_ASSERT(!reader.data().empty());
      form.parts.back().data += reader.data();
    } else if (*event == Event::part_end) {
      form.parts.back().whole = true;
    } else {
      form.ended = true;
      return true;
    }
  }
}

// What was held back for a delimiter that then did not come is lost with the part.
void drop_unfinished(Form& form) {
  if (!form.parts.empty() && !form.parts.back().whole) form.parts.back().data.clear();
}

Form read_whole(std::string_view body) {
  api::MultipartReader reader("XX");
  Form form;
  reader.feed(body);
  drain(reader, form);
  drop_unfinished(form);
  return form;
}

Form read_in_pieces(std::string_view body) {
  api::MultipartReader reader("XX");
  Form form;
  bool over = drain(reader, form);
  for (Pieces pieces(body); !over && !pieces.at_end();) {
    reader.feed(pieces.next());
    over = drain(reader, form);
  }
  drop_unfinished(form);
  return form;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string write(const Form& form) {
  std::string body;
  for (const Part& part : form.parts) {
    body += "--XX\r\nContent-Disposition: form-data; name=" + quoted(part.name);
    if (part.file_name) body += "; filename=" + quoted(*part.file_name);
    if (!part.content_type.empty()) body += "\r\nContent-Type: " + part.content_type;
    body += "\r\n\r\n" + part.data + "\r\n";
  }
  return body + "--XX--\r\n";
}

}  // namespace

void check(std::string_view input) {
  const Form form = read_whole(input);
  TANDEM_ASSERT(form == read_in_pieces(input));
  std::size_t bytes = 0;
  for (const Part& part : form.parts) {
    bytes += part.data.size();
    TANDEM_ASSERT(part.data.find("\r\n--XX") == std::string::npos);
    TANDEM_ASSERT(input.find(part.data) != input.npos);
  }
  TANDEM_ASSERT(bytes <= input.size());
  if (form.ended) TANDEM_ASSERT(read_whole(write(form)) == form);

  if (const auto boundary = api::boundary_of(input))
    TANDEM_ASSERT(!boundary->empty() && boundary->size() <= 70);
}

}  // namespace tandem::fuzz
