#pragma once

#include <cstddef>
#include <string>

namespace retrust::sandbox {

/// Letters of the alphabet that Rancher's random names have; always the same for the same text.
std::string made_letters(const std::string& text, std::size_t length);

/// How a cluster came to Rancher: by Rancher's old API, or by clusters.provisioning.cattle.io,
/// which there is from 2.6.0 on (pkg/controllers/provisioningv2/cluster/controller.go,
/// mgmtClusterName).
enum class Origin { management, provisioning };
/// The ID of a clusters resource, c-… or c-m-…; always the same for the same text.
std::string made_id(const std::string& text, Origin origin);

}  // namespace retrust::sandbox
