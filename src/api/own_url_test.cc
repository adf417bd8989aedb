#include "api/own_url.h"

#include <gtest/gtest.h>

namespace tandem::api {
namespace {

TEST(OwnUrl, IsTheSettingOrElseWhatTheRequestSays) {
  config::Settings settings;
  settings.listen_host = "127.0.0.1";
  net::RequestHead head;
  EXPECT_EQ(own_url(settings, head), "http://127.0.0.1:8080") << "HTTP/1.0 may name no host";
  head.headers.add("Host", "tasks.example:99");
  EXPECT_EQ(own_url(settings, head), "http://tasks.example:99");
  head.tls = true;
  EXPECT_EQ(own_url(settings, head), "https://tasks.example:99");
  settings.public_url = "http://public.example/base";
  EXPECT_EQ(own_url(settings, head), "http://public.example/base");
}

TEST(OwnUrl, HasItsSocketsBeside) {
  EXPECT_EQ(socket_url("http://a"), "ws://a");
  EXPECT_EQ(socket_url("https://a/b"), "wss://a/b");
}

}  // namespace
}  // namespace tandem::api
