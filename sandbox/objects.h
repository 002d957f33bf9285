#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "pki.h"

namespace retrust::sandbox {

/// Kubernetes objects as they are when they are made. Times are metav1.Time.

inline constexpr std::string_view agents_namespace = "cattle-system";

struct TokenSecretSpec {
  std::string name;
  std::string account;
  std::string account_uid;
  std::string created = {};  ///< empty: now
};
/// A Secret of type kubernetes.io/service-account-token, still without data.
boost::json::value token_secret(const TokenSecretSpec& spec);
/// Its data: a token signed with the key, and the CA.
boost::json::value token_data(const TokenSecretSpec& spec, const Key& key,
                              const std::string& ca_pem);

boost::json::value opaque_secret(const std::vector<std::pair<std::string, std::string>>& data);

struct PodSpec {
  std::string account;
  std::string app;  ///< label app
  std::string image;
  std::string owner_kind = {};
  std::string owner = {};
  std::string owner_uid = {};
  std::vector<std::string> secrets = {};  ///< mounted
  std::string started = {};               ///< empty: now
};
enum class PodState { pending, running };
boost::json::value pod(const PodSpec& spec, PodState state);
/// Makes a pod run and be ready, from now on.
void make_running(boost::json::value& pod, const PodSpec& spec);

struct WorkloadSpec {
  std::string kind;  ///< Deployment or DaemonSet
  std::string app;
  std::string account;
  std::string image;
  std::vector<std::string> secrets = {};
};
/// With one pod that runs.
boost::json::value workload(const WorkloadSpec& spec);

}  // namespace retrust::sandbox
