#include "net/outgoing_guard.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <cstring>

#include "net/http_client.h"
#include "net/test_server.h"

namespace tandem::net {
namespace {

bool is_public(const char* text) {
  sockaddr_storage storage{};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    std::memcpy(&storage, &v4, sizeof v4);
  } else {
    EXPECT_EQ(::inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
    std::memcpy(&storage, &v6, sizeof v6);
  }
  return is_public_address(reinterpret_cast<const sockaddr*>(&storage));
}

TEST(OutgoingGuardTest, ClosedNetworksAreClosedFromTheirFirstToTheirLastAddress) {
  for (const char* text : {"0.0.0.0",
                           "0.255.255.255",
                           "10.0.0.0",
                           "10.255.255.255",
                           "100.64.0.0",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.255",
                           "169.254.0.0",
                           "169.254.169.254",
                           "172.16.0.0",
                           "172.31.255.255",
                           "192.0.0.1",
                           "192.0.2.1",
                           "192.168.0.0",
                           "192.168.255.255",
                           "198.18.0.0",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.7",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:8.8.8.8",
                           "::ffff:127.0.0.1",
                           "::127.0.0.1",
                           "64:ff9b::8.8.8.8",
                           "fe80::1",
                           "fc00::1",
                           "fdff::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2001::1",
                           "2002:7f00:1::",
                           "2002:808:808::1",
                           "3fff::1",
                           "4000::1",
                           "1fff::1"})
    EXPECT_FALSE(is_public(text)) << text;
}

TEST(OutgoingGuardTest, TheirNeighboursAreOpen) {
  for (const char* text : {"1.0.0.0",     "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
                           "100.128.0.0", "126.255.255.255", "128.0.0.0",       "169.253.255.255",
                           "169.255.0.0", "172.15.255.255",  "172.32.0.0",      "192.167.255.255",
                           "192.169.0.0", "198.17.255.255",  "198.20.0.0",      "223.255.255.255",
                           "8.8.8.8",     "2001:200::1",     "2606:4700::1111", "2a00:1450::1",
                           "2003::1",     "3ffe::1"})
    EXPECT_TRUE(is_public(text)) << text;
}

// Each means an address of this machine or of a network behind it.
const char* const kPrivateSpellings[] = {"127.0.0.1",
                                         "127.1",
                                         "127.0.1",
                                         "2130706433",
                                         "0x7f000001",
                                         "0x7f.0.0.1",
                                         "0177.0.0.1",
                                         "017700000001",
                                         "%31%32%37.0.0.1",
                                         "%32130706433",
                                         "0x%37f.1",
                                         "%3127.1",
                                         "127.0.0.1.",
                                         "0",
                                         "0.0.0.0",
                                         "10.1.2.3",
                                         "0xA9FEA9FE",
                                         "169.254.169.254",
                                         "192.168.1.1",
                                         "172.16.0.1",
                                         "224.0.0.1",
                                         "255.255.255.255",
                                         "localhost",
                                         "LOCALHOST",
                                         "localhost.",
                                         "a.b.localhost",
                                         "[::1]",
                                         "[::]",
                                         "[::ffff:127.0.0.1]",
                                         "[::ffff:7f00:1]",
                                         "[0:0:0:0:0:ffff:127.0.0.1]",
                                         "[::127.0.0.1]",
                                         "[fe80::1]",
                                         "[fe80::1%25lo]",
                                         "[fc00::1]",
                                         "[ff02::1]",
                                         "[2002:7f00:1::]",
                                         "[64:ff9b::7f00:1]"};

TEST(OutgoingGuardTest, AUrlIsRefusedInEverySpellingOfAPrivateAddress) {
  const OutgoingGuard guard({});
  for (const std::string host : kPrivateSpellings)
    for (const char* scheme : {"http://", "https://", "HTTP://"})
      EXPECT_FALSE(guard.check(scheme + host + ":8080/hook")) << scheme << host;
}

TEST(OutgoingGuardTest, OnlyHttpWithoutAUserIsTaken) {
  const OutgoingGuard guard({});
  EXPECT_TRUE(guard.check("https://example.com/hook?x=1"));
  EXPECT_TRUE(guard.check("http://8.8.8.8:81/"));
  EXPECT_TRUE(guard.check("http://[2606:4700::1111]/"));
  for (const char* url : {"ftp://example.com/", "file:///etc/passwd", "gopher://example.com/",
                          "http://", "//example.com", "example.com", "", "http://user@example.com/",
                          "http://user:word@example.com/", "http://:word@example.com/",
                          "http://exa mple.com/", "javascript:x"})
    EXPECT_FALSE(guard.check(url)) << url;
}

TEST(OutgoingGuardTest, AListedHostMayBePrivateInAnySpelling) {
  const OutgoingGuard guard({"127.0.0.1", "Hooks.Internal", "[::1]"});
  for (const char* url : {"http://127.0.0.1/", "http://0x7f.1/", "http://hooks.internal/",
                          "http://HOOKS.internal./", "http://[::1]:9/"})
    EXPECT_TRUE(guard.check(url)) << url;
  EXPECT_FALSE(guard.check("http://127.0.0.2/"));
  EXPECT_FALSE(guard.check("http://localhost/"));
  EXPECT_FALSE(guard.check("http://127.0.0.1@10.0.0.1/"));
}

class GuardedClientTest : public testing::Test {
 protected:
  GuardedClientTest() {
    server_.handler.on_decide = [this](const RequestHead&) {
      ++requests_;
      return RouteDecision();
    };
  }
  std::string url_of(const std::string& host) {
    return "http://" + host + server_.url().substr(server_.url().rfind(':'));
  }
  Errc refusal(const std::vector<std::string>& allowed, const std::string& host) {
    const OutgoingGuard guard(allowed);
    HttpClientOptions options{.connect_timeout_ms = 5000, .timeout_ms = 5000};
    options.guard = &guard;
    HttpClient client(options);
    const auto answer = client.get(url_of(host));
    return answer ? Errc::internal : answer.error().code;
  }

  TestServer server_;
  std::atomic<int> requests_ = 0;
};

// Without a look at the URL: it is the address that counts, whatever name led to it.
TEST_F(GuardedClientTest, NothingIsConnectedToThatIsNotPublic) {
  for (const std::string host : kPrivateSpellings) {
    if (host == "a.b.localhost") continue;  // whether that resolves is the system's matter
    EXPECT_NE(refusal({}, host), Errc::internal) << host;  // it was answered
  }
  EXPECT_EQ(refusal({}, "127.0.0.1"), Errc::forbidden);
  EXPECT_EQ(refusal({}, "localhost"), Errc::forbidden) << "a name that resolves to loopback";
  EXPECT_EQ(requests_, 0);
}

TEST_F(GuardedClientTest, AListedHostIsReachedAndAnotherNameOfItIsNot) {
  const OutgoingGuard guard({"127.0.0.1"});
  HttpClientOptions options;
  options.guard = &guard;
  HttpClient client(options);
  EXPECT_EQ(client.get(url_of("127.0.0.1")).value().status, 200);
  EXPECT_EQ(client.get(url_of("localhost")).error().code, Errc::forbidden)
      << "also where a connection to the address is open";
  EXPECT_EQ(requests_, 1);
}

TEST_F(GuardedClientTest, NoProxyOfTheEnvironmentIsUsed) {
  ::setenv("http_proxy", server_.url().c_str(), 1);
  EXPECT_NE(refusal({}, "10.255.255.1"), Errc::internal);
  ::unsetenv("http_proxy");
  EXPECT_EQ(requests_, 0);
}

TEST_F(GuardedClientTest, WhatIsStoppedEnds) {
  std::atomic<bool> stop = true;
  HttpClientOptions options;
  options.stop = &stop;
  HttpClient client(options);
  const auto answer = client.get(url_of("127.0.0.1"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::shutting_down);
}

}  // namespace
}  // namespace tandem::net
