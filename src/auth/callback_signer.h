#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/id.h"

namespace tandem::auth {

// Signs what is posted to a task's callback_url, so that its receiver can tell it from a forgery.
// Each client has a callback secret of its own, made of the server's token secret and the client's
// id: nothing of it is stored, and servers that share the token secret sign alike. Thread-safe.
class CallbackSigner {
 public:
  // `previous` may be empty: the token secret before the last change, still signed with.
  CallbackSigner(std::string token_secret, std::string previous)
      : secret_(std::move(token_secret)), previous_(std::move(previous)) {}

  // tdh_ and 43 characters: the key of the client's receivers.
  std::string secret_of(ClientId client) const;
  // "t=1700000000,v1=<64 hex digits>": HMAC-SHA256 of "<t>.<body>"; a second v1 is made with the
  // previous secret, where there is one.
  std::string sign(ClientId client, WallTime now, std::string_view body) const;

 private:
  std::string secret_, previous_;
};

}  // namespace tandem::auth
