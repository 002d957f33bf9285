#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "api.h"
#include "log.h"
#include "pki.h"
#include "scheduler.h"
#include "server.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

/// When the played clusters were made, as metav1.Time: after the CA that they have had since.
const std::string& clusters_made();
/// When their accounts were made, and when the pods of these started.
const std::string& accounts_made();
const std::string& pods_started();

/// One played Kubernetes cluster: its objects, who may speak to it, and its API server.
class Cluster {
 public:
  struct Hooks {
    std::function<void(const About&)> before_change;
    std::string forbidden = {};  ///< what nobody may do: see forbids()
    std::function<std::string()> review_trouble;
    std::function<void(const About&, unsigned code)> answered;
    std::function<std::optional<std::chrono::milliseconds>()> watch_limit;
    Hostile* hostile = nullptr;
  };
  Cluster(boost::asio::io_context& io, std::string name, const Authority& authority,
          Key account_key, std::vector<Resource> resources, KubernetesProfile kubernetes, Log& log,
          Hooks hooks);

  /// Whose token it is.
  User authenticate(const std::string& token);
  const std::string& name() const { return name_; }
  const KubernetesProfile& kubernetes() const { return kubernetes_; }
  Store& store() { return store_; }
  Server& server() { return *server_; }
  /// What its server proves itself with.
  const Authority::Issued& identity() const { return identity_; }
  /// From the next connection on its server proves itself with this.
  void show(Authority::Issued identity);
  /// What its controller manager hands out as the cluster's CA: PEM, and as a secret's data has it.
  const std::string& handed_out_ca() const { return handed_out_ca_; }
  const std::string& handed_out_ca_base64() const { return handed_out_ca_base64_; }
  /// Since when, as metav1.Time; empty where the servers do not tell.
  const std::string& handed_out_since() const { return handed_out_since_; }
  void hand_out_ca(std::string pem, std::string since);
  /// Where OpenShift put an account's dockercfg secret in the account's list.
  enum class Dockercfg { absent, first, last };
  Dockercfg dockercfg = Dockercfg::absent;
  /// Signs service account tokens, and verifies them.
  Key account_key;

  /// A token that the kubelet gets for a pod: good for as long as the pod is there.
  std::string bound_token(const ObjectKey& pod) const;

  /// A kubeconfig for one of the users `admin` and `viewer`. `path` is appended to the address;
  /// without a CA the kubeconfig skips verification.
  std::string kubeconfig(const std::string& user, const std::string& ca_pem,
                         const std::string& path = {}) const;
  /// One for `admin`, with that name for all that it holds: it can be merged with others.
  std::string named_kubeconfig(const std::string& name, const std::string& ca_pem) const;

 private:
  Answer handle(Request request);
  struct Written {
    std::string name;
    std::string user;
    std::string token;
    std::string ca_pem;  ///< empty: the certificate is not verified
    std::string path = {};
  };
  std::string kubeconfig(const Written& written) const;
  /// Labels the Secret of an accepted legacy token with the day, from Kubernetes 1.27 on. From
  /// kubernetes/kubernetes v1.30.0, pkg/serviceaccount/legacy.go.
  void note_use(const boost::json::value& claims);
  /// Why a token whose signature is right is rejected; empty if the token is good.
  std::string rejection(const boost::json::value& claims, const std::string& token) const;

  std::string name_;
  KubernetesProfile kubernetes_;
  Store store_;
  std::string handed_out_ca_;
  std::string handed_out_since_;
  std::string handed_out_ca_base64_;  // not encoded again for each of thousands of secrets
  std::string admin_token_;
  std::string viewer_token_;
  Authority::Issued identity_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<Server> server_;
};

/// Its server goes, and is back after that time.
void restart(Cluster& cluster, Scheduler& scheduler, Log& log, std::chrono::milliseconds away);

/// The base64 that a secret's data has for this text.
std::string secret_data(const std::string& text);
/// And back.
std::string decoded_secret(const std::string& data);

}  // namespace retrust::sandbox
