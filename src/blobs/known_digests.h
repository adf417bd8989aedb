#pragma once

// SHA-256 of what the tests of file stores put into them, as sha256sum says it.
namespace tandem::blobs {

inline constexpr char kShaOfHello[] =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
inline constexpr char kShaOfNothing[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace tandem::blobs
