#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/display_text.h"
#include "base/names.h"
#include "fleet/kubeconfig_files.h"

namespace retrust {

/// A context of a kubeconfig: a way to a cluster that the operator gave.
struct GivenContext {
  std::string file;
  std::string name;
  DisplayText server;        ///< address in the form of shown_url()
  ClusterId through = {};    ///< the cluster's ID, if the way leads through Rancher
  std::string trouble = {};  ///< why it cannot be used as it stands; else empty
  bool operator==(const GivenContext&) const = default;
};

/// Limit of contexts in one kubeconfig, and of all together.
inline constexpr std::size_t most_contexts = 2000;

/// The contexts of a whole kubeconfig (`kubectl config view -o json`) that count. One without a
/// context that counts gives an entry whose `trouble` says so. Throws Failure (refused) beyond the
/// limit. Pure.
std::vector<GivenContext> contexts_of(const KubeconfigFile& file, const boost::json::value& config);

/// The way to a cluster as words of a command line. The account of a Pod has no context.
std::vector<std::string> way_words(const std::string& kubeconfig, const std::string& context,
                                   const ClusterId& cluster);

/// "prod.yaml, context production".
std::string text_of(const GivenContext& context);

}  // namespace retrust
