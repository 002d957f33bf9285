#include "observe/token_place.h"

namespace retrust {

bool keeps_token_in_secret(const ClusterResource& cluster, const RancherServer& rancher) {
  const auto& version = rancher.version;
  if (!version) return !cluster.token_secret_name.empty();
  return (*version >= Version{2, 5, 16} && *version < Version{2, 6, 0}) ||
         *version >= Version{2, 6, 7};
}

}  // namespace retrust
