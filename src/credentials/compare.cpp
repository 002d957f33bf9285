#include "credentials/compare.h"

#include <algorithm>
#include <ctime>
#include <sstream>

#include <dtl/dtl.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/text.h"
#include "credentials/certificate.h"
#include "credentials/token.h"

namespace retrust {
namespace {

void add(std::vector<std::string>& lines, std::string_view name, std::string_view value) {
  lines.push_back(fmt::format("  {:<15}  {}", name, value));
}

void say(std::vector<std::string>& lines, std::string_view what) {
  lines.push_back(fmt::format("  {}", what));
}

std::string days_text(std::chrono::seconds time) {
  const auto days = std::chrono::duration_cast<std::chrono::days>(time).count();
  return counted(static_cast<std::size_t>(days), "day");
}

std::string validity_text(const Certificate& certificate, std::chrono::sys_seconds now) {
  if (now > certificate.not_after) {
    return fmt::format("expired {} ago", days_text(now - certificate.not_after));
  }
  if (now < certificate.not_before) {
    return fmt::format("not valid for another {}", days_text(certificate.not_before - now));
  }
  return fmt::format("{} left", days_text(certificate.not_after - now));
}

/// Certificates of a bundle that are told one by one; those beyond are counted. Real bundles have a
/// handful, and a person reads no more.
constexpr std::size_t most_told = 16;

void add_ca(std::vector<std::string>& lines, const std::string& pem, const RenderNotes& notes) {
  if (pem.empty()) {
    lines.emplace_back("CA certificate");
    say(lines, "there is none");
    return;
  }
  const auto certificates = parse_certificates(pem);
  if (certificates.empty()) {
    lines.emplace_back("CA certificate");
    say(lines, "cannot be read");
    add(lines, "sha256 of text", sha256_hex(pem));
    return;
  }
  if (certificates.size() > most_told) {
    lines.push_back(fmt::format("CA certificates: {}", certificates.size()));
    add(lines, "sha256 of text", sha256_hex(pem));
  }
  for (std::size_t i = 0; i < std::min(most_told, certificates.size()); ++i) {
    const auto& certificate = certificates[i];
    lines.push_back(fmt::format("CA certificate {} of {}", i + 1, certificates.size()));
    add(lines, "subject", certificate.subject);
    add(lines, "issuer", certificate.issuer);
    add(lines, "serial", certificate.serial);
    add(lines, "valid",
        fmt::format("{} to {}", minute_text(certificate.not_before),
                    minute_text(certificate.not_after)));
    if (notes.now) add(lines, "", validity_text(certificate, *notes.now));
    add(lines, "key", certificate.key);
    add(lines, "sha256", certificate.sha256);
  }
  if (certificates.size() > most_told) {
    say(lines, fmt::format("and {} more", certificates.size() - most_told));
  }
}

void add_token(std::vector<std::string>& lines, const Secret& token, const RenderNotes& notes) {
  lines.emplace_back("token");
  if (token.empty()) {
    say(lines, "there is none");
    return;
  }
  add(lines, "sha256", sha256_hex(token.reveal()));
  if (!notes.token_verdict.empty()) add(lines, "the cluster", notes.token_verdict);
  const auto claims = parse_token(token.reveal());
  if (!claims) return;
  if (!claims->issuer.empty()) add(lines, "issuer", claims->issuer);
  if (!claims->subject.empty()) add(lines, "subject", claims->subject);
  if (!claims->service_account.empty()) {
    add(lines, "service account",
        fmt::format("{}/{} (uid {})", claims->name_space, claims->service_account,
                    claims->service_account_uid));
  }
  if (!claims->secret_name.empty()) add(lines, "secret", claims->secret_name);
  if (!claims->key_id.empty()) add(lines, "key id", claims->key_id);
  if (claims->issued) add(lines, "issued", minute_text(*claims->issued));
  add(lines, "expires", claims->expires ? minute_text(*claims->expires) : "never");
}

}  // namespace

std::string minute_text(std::chrono::sys_seconds time) {
  // Not by way of system_clock: its nanoseconds end in 2262, and a server may write 9999.
  return fmt::format("{:%Y-%m-%d %H:%M} UTC",
                     fmt::gmtime(static_cast<std::time_t>(time.time_since_epoch().count())));
}

std::string text_of(const Comparison& comparison) {
  const auto part = [](Comparison::Part of) {
    switch (of) {
      case Comparison::Part::same:
        return "the same";
      case Comparison::Part::differs:
        return "different";
      case Comparison::Part::stored_missing:
        return "not stored";
      case Comparison::Part::gained:
        return "without certificates that the live one gained";
    }
    return "";
  };
  return fmt::format("stored against live: token {}, CA {}", part(comparison.token),
                     part(comparison.ca));
}

Comparison compare(const Credentials& stored, const Credentials& live) {
  using enum Comparison::Part;
  Comparison result;
  // What is not there is no credential, and equal to nothing.
  if (live.token.empty() || live.ca_pem.empty()) return {differs, differs};
  if (stored.token != live.token) result.token = stored.token.empty() ? stored_missing : differs;
  if (!same_certificates(stored.ca_pem, live.ca_pem)) {
    result.ca = stored.ca_pem.empty() ? stored_missing : differs;
  }
  return result;
}

std::vector<std::string> render(const Credentials& credentials, const RenderNotes& notes) {
  std::vector<std::string> lines;
  add_ca(lines, credentials.ca_pem, notes);
  add_token(lines, credentials.token, notes);
  return lines;
}

std::vector<std::string> render_ca(const std::string& ca_pem, const RenderNotes& notes) {
  std::vector<std::string> lines;
  add_ca(lines, ca_pem, notes);
  return lines;
}

std::vector<std::string> render_token(const Secret& token, const RenderNotes& notes) {
  std::vector<std::string> lines;
  add_token(lines, token, notes);
  return lines;
}

std::string validity_text(const std::string& ca_pem, std::chrono::sys_seconds now) {
  const auto certificates = parse_certificates(ca_pem);
  if (certificates.empty()) return "cannot be read";
  const auto first = std::min_element(
      certificates.begin(), certificates.end(),
      [](const Certificate& a, const Certificate& b) { return a.not_after < b.not_after; });
  return validity_text(*first, now);
}

std::string unified_diff(const std::vector<std::string>& before,
                         const std::vector<std::string>& after, const std::string& before_name,
                         const std::string& after_name) {
  if (before == after) return {};
  dtl::Diff<std::string> diff(before, after);
  diff.compose();
  diff.composeUnifiedHunks();
  std::ostringstream text;
  diff.printUnifiedFormat(text);
  auto hunks = text.str();
  // dtl counts lines from 1 also where there are none; diff and patch say 0 then.
  const auto correct = [&](std::string_view wrong, std::string_view right) {
    const auto at = hunks.find(wrong);
    if (at != std::string::npos) hunks.replace(at, wrong.size(), right);
  };
  if (before.empty()) correct("@@ -1,0 ", "@@ -0,0 ");
  if (after.empty()) correct(" +1,0 @@", " +0,0 @@");
  return fmt::format("--- {}\n+++ {}\n{}", before_name, after_name, hunks);
}

}  // namespace retrust
