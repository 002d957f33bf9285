#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "base/display_text.h"
#include "base/names.h"

namespace retrust {

/// Objects of the Rancher backup operator (resources.cattle.io/v1). All pure.

/// State of a Backup, as the operator tells it.
struct OperatorBackup {
  Uid uid = {};
  bool complete = false;
  DisplayText file = {};      ///< name of the file; empty until the Backup is complete
  DisplayText location = {};  ///< "PV" or "S3": kind of the storage
  DisplayText trouble = {};   ///< the operator's error, after which it tries again; else empty
};

OperatorBackup parse_operator_backup(const boost::json::value& backup);

/// Where a complete Backup is stored, in words: "FILE in S3".
std::string stored_text(const OperatorBackup& backup);

/// The Backup to create: once, unencrypted, in the storage that the operator is configured with.
boost::json::object operator_backup(const ObjectName& name, const ObjectName& resource_set);

/// The resource set in the list that saves all of Rancher, secrets included. Empty if there is
/// none.
ObjectName whole_resource_set(const boost::json::value& list);

}  // namespace retrust
