#include "store/postgres/address.h"

#include <libpq-fe.h>

#include <map>
#include <memory>

namespace tandem::store::postgres {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

std::string describe(const PQconninfoOption* options) {
  std::map<std::string_view, std::string> given;
  for (; options->keyword != nullptr; ++options)
    if (options->val != nullptr) given[options->keyword] = options->val;
  std::string where = given.contains("host") ? given["host"] : given["hostaddr"];
  if (where.empty()) where = "this machine";
  std::string text = given["dbname"].empty() ? "the database" : "database " + given["dbname"];
  text += " at " + where;
  if (!given["port"].empty()) text += ":" + given["port"];
  if (!given["user"].empty()) text += " as user " + given["user"];
  return text;
}

}  // namespace

Result<Address> Address::parse(const std::string& url) {
  char* why = nullptr;
  const std::unique_ptr<PQconninfoOption, FreeOptions> options(PQconninfoParse(url.c_str(), &why));
  PQfreemem(why);
  const bool is_url = url.starts_with("postgresql://") || url.starts_with("postgres://");
  if (!options || !is_url)
    return fail(Errc::validation_failed,
                "It must be a URL such as postgresql://user:password@host:5432/database");
  Address address;
  address.url_ = url;
  address.description_ = describe(options.get());
  return address;
}

}  // namespace tandem::store::postgres
