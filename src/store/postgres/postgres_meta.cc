#include "store/postgres/postgres_meta.h"

#include "postgres_queries.h"
#include "store/postgres/handshake.h"
#include "store/postgres/link.h"

namespace tandem::store {

Result<std::optional<std::string>> read_postgres_meta(const std::string& url,
                                                      const std::string& key) {
  const auto address = postgres::Address::parse(url);
  if (!address) return address.error();
  postgres::Link link(*address, postgres::shake_hands);
  if (auto opened = link.open(); !opened) return opened.error();
  postgres::Statement get{sql::postgres::get_meta};
  get.params.text(key);
  const auto rows = link.run({get}, postgres::patience::kReadMs, true);
  if (!rows) return rows.error();
  if (rows->front().size() == 0) return std::optional<std::string>{};
  return std::optional(std::string(rows->front().bytes(0, 0)));
}

}  // namespace tandem::store
