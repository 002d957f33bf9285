#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "choices/backup_choice.h"
#include "tools/kubectl.h"

namespace retrust {

/// Backups of Rancher that the local cluster itself shows to be possible.
struct BackupOffers {
  std::optional<Distribution> distribution = {};  ///< k3s or RKE2, whose servers take snapshots
  bool backup_operator = false;

  /// The option for the best of them: "--rancher-backup", which works from everywhere, or "--k3s".
  /// Empty if there is none.
  std::string option() const;
  /// What is there, and the option for each, in words. Empty if there is none.
  std::string text() const;
};

/// The distribution by a version of Kubernetes, e.g. v1.30.4+k3s1. Pure.
std::optional<Distribution> distribution_of(std::string_view version);

/// Looks for the distribution and for the backup operator. Reads that fail tell nothing.
boost::asio::awaitable<BackupOffers> observe_backup_offers(Kubectl local);

}  // namespace retrust
