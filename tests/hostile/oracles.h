#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace retrust::hostile {

/// What was wrong, one sentence each: first its class, then what was seen.
using Complaints = std::vector<std::string>;

/// The first character of a text that no output may have: one that moves the cursor, turns text
/// around or does not show, or what is no UTF-8. Empty where there is none.
std::string forbidden_character(const std::string& text);

/// The first line that begins with what an attacker wrote. Empty where there is none.
std::string line_of_attacker(const std::string& text);

/// Holds the arguments of one start of kubectl, docker, tar, rke or k3s against what retrust may
/// say. For kubectl every option is one that it knows, with a value that is in order, and every
/// other word is a path, a name, or a list of resource types; `files` are the kubeconfigs that may
/// be named, and folders of temporary ones, which end with `/`.
Complaints against_grammar(const std::string& program, std::vector<std::string> words,
                           const std::set<std::string>& files);

/// Words that were each ended by a NUL.
std::vector<std::string> words_of(const std::string& text);

/// The forms in which a token could show.
std::set<std::string> forms_of(const std::string& token);

}  // namespace retrust::hostile
