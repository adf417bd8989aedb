#include "wire/account_json.h"

#include <gtest/gtest.h>

#include "wire/raw_json.h"

namespace tandem::wire {
namespace {

TEST(TokenRequest, ReadsJsonAndForm) {
  const auto json = decode_token_request(
      R"({"grant_type":"client_credentials","client_id":"a",
      "client_secret":"b&c","scope":"tasks"})");
  const auto form = decode_token_form(
      "grant_type=client_credentials&client_id=a&client_secret=b%26c&scope=tasks+admin");
  ASSERT_TRUE(json);
  ASSERT_TRUE(form);
  EXPECT_EQ(json->client_secret, "b&c");
  EXPECT_EQ(form->client_secret, "b&c");
  EXPECT_EQ(form->scope, "tasks admin");
  EXPECT_TRUE(decode_token_form(""));
}

TEST(TokenRequest, RefusesUnknownDoubledAndBroken) {
  for (const char* form : {"a=1", "client_id=a&client_id=b", "client_id=%zz", "client_id=%",
                           "client_id=%4", "client_id=%ff"})
    EXPECT_FALSE(decode_token_form(form)) << form;
  for (const char* json : {R"({"client_id":1})", R"({"x":"y"})", "[]", "{"})
    EXPECT_FALSE(decode_token_request(json)) << json;
}

TEST(RefreshRequest, NeedsAToken) {
  EXPECT_EQ(*decode_refresh_request(R"({"refresh_token":"t"})"), "t");
  EXPECT_EQ(*decode_refresh_request(R"({"token":"t","token_type_hint":"refresh_token"})"), "t");
  EXPECT_EQ(*decode_refresh_form("grant_type=refresh_token&refresh_token=t"), "t");
  EXPECT_FALSE(decode_refresh_request("{}"));
  EXPECT_FALSE(decode_refresh_form("x=y"));
}

TEST(TokenAnswer, ComesBack) {
  const auto back =
      decode_token_answer(encode_token_answer({"a.b.c", 3600, "tdf_x", 7200, "tasks"}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->access_token, "a.b.c");
  EXPECT_EQ(back->refresh_expires_in_s, 7200);
  EXPECT_FALSE(decode_token_answer("{}"));
}

TEST(Clients, SecretIsShownOnlyWhereGiven) {
  ClientView client;
  client.name = "n";
  std::string text;
  encode_client(client, text);
  EXPECT_EQ(raw_member(text, "client_secret"), std::nullopt);
  client.client_secret = "tds_x";
  text.clear();
  encode_client(client, text);
  EXPECT_EQ(string_member(text, "client_secret"), "tds_x");
  EXPECT_EQ(decode_new_client(R"({"name":"n"})")->scope, "tasks");
  EXPECT_FALSE(decode_new_client(R"({"scope":"tasks"})"));
}

TEST(Files, ComeBack) {
  const auto clients = decode_clients_file(encode_clients_file({{"admin", "id", "s", "admin"}}));
  ASSERT_TRUE(clients);
  EXPECT_EQ(clients->at(0).client_secret, "s");
  const auto server = decode_server_file(encode_server_file({"http://a", 12, "1"}));
  ASSERT_TRUE(server);
  EXPECT_EQ(server->pid, 12);
  EXPECT_FALSE(decode_server_file("{}"));
  EXPECT_FALSE(decode_clients_file("{}"));
}

TEST(AccountJson, ASavedLoginComesBack) {
  const SavedLogin login{.server = "https://a.example",
                         .client_id = "id",
                         .refresh_token = "tdf_x",
                         .access_token = "a.b.c",
                         .access_expires_at = WallTime{1'700'000'000'123}};
  const SavedLogin got = decode_saved_login(encode_saved_login(login)).value();
  EXPECT_EQ(got.server, login.server);
  EXPECT_EQ(got.client_id, login.client_id);
  EXPECT_EQ(got.refresh_token, login.refresh_token);
  EXPECT_EQ(got.access_token, login.access_token);
  EXPECT_EQ(got.access_expires_at, login.access_expires_at);
  for (const char* text : {"", "{}", "[]", "{\"server\":\"x\"}"})
    EXPECT_FALSE(decode_saved_login(text)) << text;
}

}  // namespace
}  // namespace tandem::wire
