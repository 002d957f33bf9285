#pragma once

#include <string>
#include <string_view>

#include "base/redactor.h"

namespace retrust {

/// A token that no code can print by accident.
///
/// The only way to create one registers it with the redactor. It has no formatter and no conversion
/// to text; what is done with the text itself says `reveal`. Its memory is cleared when it goes.
class Secret {
 public:
  /// Purpose of a token, which determines its form.
  enum class Kind {
    account,       ///< a service account's: a JWT with a signature
    registration,  ///< that with which Rancher's agents register: letters and digits
  };
  /// How much is registered: also what base64 of something longer, or wrapped base64, would show;
  /// or, for a list of thousands of tokens, the token itself, its base64 and the JWT's parts.
  enum class Forms { all, plain };

  /// Makes an empty secret.
  Secret() = default;
  /// What does not look like a token of that kind makes none, and is not registered: a cluster
  /// could otherwise have words hidden from the operator.
  Secret(Redactor& redactor, Kind kind, std::string_view text, Forms forms = Forms::all);
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { clear(); }

  bool empty() const { return text_.empty(); }
  std::size_t size() const { return text_.size(); }
  /// The text, for the one use that needs it: standard input of a command, a private file.
  std::string_view reveal() const { return text_; }
  void clear() noexcept;

  bool operator==(const Secret&) const = default;

 private:
  std::string text_;
};

/// Registers a text that is secret and is not kept, in every form in which it could show, with the
/// label "‹KIND sha256:…›".
void redact(Redactor& redactor, std::string_view text, std::string_view kind = "token");

}  // namespace retrust
