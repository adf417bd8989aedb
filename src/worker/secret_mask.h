#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::worker {

// The secrets of a job, none of which may be seen in what it says: each is replaced by kMask. A
// text that belongs to two secrets at once is replaced whole.
class SecretMask {
 public:
  static constexpr std::string_view kMask = "***";

  // `secrets` hold at least one byte each. One of several lines is found with \r\n too, as a
  // terminal writes it.
  explicit SecretMask(const std::vector<std::string>& secrets);

  // The text with each secret replaced.
  std::string masked_text(std::string_view text) const;
  // The same in the texts and numbers of a JSON text, however they are escaped; it stays JSON.
  std::string masked_json(std::string_view json) const;

 private:
  friend class SecretFilter;
  enum class Here { nothing, perhaps, match };
  struct Patterns {
    std::vector<std::string> texts;
    std::array<bool, 256> first{};  // bytes that one begins with
    void add(std::string text);
    // What begins at `at`, and how long the longest is. perhaps: `text` ends within one.
    Here look(std::string_view text, std::size_t at, std::size_t& length) const;
  };

  Patterns patterns_;
};

// Masks a stream. Byte for byte what came in where it is no secret; holds back only what may be the
// beginning of one.
class SecretFilter {
 public:
  explicit SecretFilter(std::shared_ptr<const SecretMask> mask);  // null: lets everything pass

  // Appends to `out` what is certain now.
  void feed(std::string_view chunk, std::string& out);
  // The stream has ended: what was held was no secret.
  void finish(std::string& out);

 private:
  friend class SecretMask;
  explicit SecretFilter(const SecretMask::Patterns& patterns) : patterns_(&patterns) {}
  // Appends what of `text` is certain, and holds back the rest; at the end there is none.
  void pass(std::string_view text, bool is_end, std::string& out);

  std::shared_ptr<const SecretMask> mask_;
  const SecretMask::Patterns* patterns_ = nullptr;
  std::string held_;
  std::size_t masked_ = 0;  // so many of the held bytes belong to a secret that was replaced
};

}  // namespace tandem::worker
