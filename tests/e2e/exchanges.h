#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace retrust::e2e {

/// What a record comes down to: each kind of exchange as one line, and below it what retrust reads
/// of the answers. Without names that are made up, times, numbers, and secrets; how often something
/// was asked does not show.
using Exchanges = std::map<std::string, std::set<std::string>>;

/// Adds what retrust-recorder wrote down in front of that server ("downstream", "local").
void add_record(Exchanges& exchanges, const std::string& server,
                const std::filesystem::path& record);

/// As a fixture holds them, and back.
std::string text_of(const Exchanges& exchanges);
Exchanges exchanges_of(const std::string& text);

/// What in a text looks like a token, a key, a certificate, or base64 of one. Nothing that is kept
/// of an exchange may.
std::vector<std::string> secrets_in(const std::string& text);

/// Lines that one has and the other has not, as "missing: …" and "extra: …". What depends on the
/// moment at which a watch began is let pass.
std::vector<std::string> differences(const Exchanges& expected, const Exchanges& found);

}  // namespace retrust::e2e
