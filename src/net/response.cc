#include "net/response.h"

#include "base/encoding.h"

namespace tandem::net {
namespace {

template <class Body>
Response typed(int status, std::string_view content_type, Body body) {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", std::string(content_type));
  response.body = std::move(body);
  return response;
}

// Length of the UTF-8 sequence at the start of `text`; 0 where there is none.
std::size_t sequence_length(std::string_view text) {
  for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length)
    if (is_utf8(text.substr(0, length))) return length;
  return 0;
}

void append_escape(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u00";
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

}  // namespace

Response Response::empty(int status) {
  Response response;
  response.status = status;
  return response;
}
Response Response::text(std::string body, std::string_view content_type, int status) {
  return typed(status, content_type, std::move(body));
}
Response Response::shared(Shared body, std::string_view content_type, int status) {
  return typed(status, content_type, std::move(body));
}
Response Response::stream(Stream body, std::string_view content_type, int status) {
  return typed(status, content_type, std::move(body));
}
Response Response::file(FileRange range, std::string_view content_type, int status) {
  return typed(status, content_type, std::move(range));
}

Response Response::upgrade(std::string subprotocol, WsSession session) {
  WsUpgrade upgrade{std::move(subprotocol), std::move(session)};
  Response response;
  response.status = 101;
  response.body = std::move(upgrade);
  return response;
}

Response Response::problem(const Error& error, std::string_view request_id) {
  const ErrorRow& row = row_of(error.code);
  const std::string_view detail = error.detail.empty() ? row.sentence : error.detail;
  std::string body = "{\"code\":" + json_quoted(row.name);
  body += ",\"status\":" + std::to_string(row.http_status);
  body += ",\"title\":" + json_quoted(row.sentence);
  body += ",\"detail\":" + json_quoted(detail);
  body += ",\"request_id\":" + json_quoted(request_id);
  if (!error.field.empty()) {
    body += ",\"errors\":[{\"field\":" + json_quoted(error.field);
    body += ",\"message\":" + json_quoted(detail) + "}]";
  }
  body += '}';
  Response response = text(std::move(body), "application/problem+json", row.http_status);
  if (row.http_status == 503 || row.http_status == 429) response.headers.add("Retry-After", "1");
  if (row.http_status == 401) response.headers.add("WWW-Authenticate", "Bearer realm=\"tandem\"");
  return response;
}

std::vector<std::string> offered_subprotocols(const Headers& headers) {
  std::vector<std::string> names;
  for (const auto& [name, value] : headers.fields()) {
    if (!same_name(name, "Sec-WebSocket-Protocol")) continue;
    std::size_t at = 0;
    while (at < value.size()) {
      const std::size_t begin = value.find_first_not_of(" \t,", at);
      if (begin == std::string::npos) break;
      const std::size_t end = std::min(value.find_first_of(" \t,", begin), value.size());
      names.push_back(value.substr(begin, end - begin));
      at = end;
    }
  }
  return names;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 507: return "Insufficient Storage";
    default: return "Status";
  }
}

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t length = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c == 0x7f) {
      append_escape(out, c);
    } else if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (const std::size_t sequence = sequence_length(text); sequence != 0) {
      out += text.substr(0, sequence);
      length = sequence;
    } else {
      out += "\xEF\xBF\xBD";
    }
    text.remove_prefix(length);
  }
  out += '"';
  return out;
}

}  // namespace tandem::net
