#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retrust::faults {

/// The ways in which a call of a program goes wrong, as its stand-in knows them. Those of `quick`
/// end by themselves; others last until somebody ends them.
const std::vector<std::string>& quick_manners();
const std::vector<std::string>& lasting_manners();
/// The ways in which an answer to a session goes wrong.
const std::vector<std::string>& quick_answers();
const std::vector<std::string>& lasting_answers();

/// What a program prints that ends with 1 in this manner; nullptr where the manner is another one.
const std::string* message_of(const std::string& manner);

/// An object that nobody asked for, and what is none at all.
inline constexpr std::string_view foreign_object =
    R"({"apiVersion":"v1","kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]})";
inline constexpr std::string_view garbage = "<html>\x01 502 Bad Gateway\n{\"kind\":";

}  // namespace retrust::faults
