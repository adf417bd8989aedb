#pragma once

#include <string>

#include "base/result.h"

namespace tandem::store::postgres {

// Where a database is, and who asks: a URL as libpq takes it.
class Address {
 public:
  // validation_failed: it is no such URL. The sentence does not repeat it.
  static Result<Address> parse(const std::string& url);
  const std::string& url() const { return url_; }
  // For the operator: who, which database, where; never the password.
  const std::string& description() const { return description_; }

 private:
  std::string url_, description_;
};

}  // namespace tandem::store::postgres
