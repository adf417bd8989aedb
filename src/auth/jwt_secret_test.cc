#include "auth/jwt_secret.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

namespace tandem::auth {
namespace {

class JwtSecretTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "jwt_secret_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::filesystem::path file() const { return directory_ / "jwt.secret"; }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(file()) << text;
    ASSERT_EQ(::chmod(file().c_str(), mode), 0);
  }
  std::filesystem::path directory_;
  SystemRandom random_;
};

TEST_F(JwtSecretTest, IsMadeOnceForItsOwnerOnly) {
  const auto made = load_or_make_jwt_secret(directory_, random_);
  ASSERT_TRUE(made) << made.error().detail;
  EXPECT_GE(made->size(), kMinJwtSecretBytes);
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(*load_or_make_jwt_secret(directory_, random_), *made);
  const auto entries = std::filesystem::directory_iterator(directory_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(JwtSecretTest, RefusesFilesThatOthersCanRead) {
  write("kQ8v2mZx7TfL1pWc9RbN4sYhJ6gDaE3u", 0644);
  EXPECT_FALSE(load_or_make_jwt_secret(directory_, random_));
  write("kQ8v2mZx7TfL1pWc9RbN4sYhJ6gDaE3u\n", 0600);
  EXPECT_EQ(*load_or_make_jwt_secret(directory_, random_), "kQ8v2mZx7TfL1pWc9RbN4sYhJ6gDaE3u");
}

TEST_F(JwtSecretTest, RefusesEmptyShortAndLinkedFiles) {
  for (const char* text : {"", "short", "\n"}) {
    write(text, 0600);
    EXPECT_FALSE(load_or_make_jwt_secret(directory_, random_)) << text;
    std::filesystem::remove(file());
  }
  std::filesystem::create_symlink("/dev/zero", file());
  EXPECT_FALSE(load_or_make_jwt_secret(directory_, random_));
}

TEST_F(JwtSecretTest, AMissingDirectoryIsAnError) {
  EXPECT_FALSE(load_or_make_jwt_secret(directory_ / "none", random_));
}

TEST_F(JwtSecretTest, LoadingAloneMakesNothing) {
  EXPECT_EQ(*load_jwt_secret(directory_), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(file()));
  const auto made = load_or_make_jwt_secret(directory_, random_);
  ASSERT_TRUE(made);
  EXPECT_EQ(*load_jwt_secret(directory_), *made);
}

// The figure was made with Python's hmac module.
TEST(Fingerprint, IsTheBeginningOfAnHmac) {
  EXPECT_EQ(fingerprint_of(std::string(32, 'a')), "47ba1d3f40a2dfdb43a130133ec6738a");
  EXPECT_NE(fingerprint_of(std::string(32, 'b')), fingerprint_of(std::string(32, 'a')));
}

TEST(Weakness, OfBadSecrets) {
  for (const std::string& secret : {std::string(), std::string("short"), std::string(31, 'a'),
                                    std::string("changeme-changeme-changeme-change"),
                                    std::string("your-256-bit-secret-your-256-bit!"),
                                    std::string("kQ8v2mZx7TfL1pWc9RbN4sYhJ6gDaE3")})
    EXPECT_FALSE(weakness_of(secret).empty()) << secret;
  EXPECT_EQ(weakness_of(std::string(32, 'a')), "");
  EXPECT_EQ(weakness_of("kQ8v2mZx7TfL1pWc9RbN4sYhJ6gDaE3u"), "");
}

}  // namespace
}  // namespace tandem::auth
