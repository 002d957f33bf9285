#pragma once

#include <exception>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "base/redactor.h"
#include "tools/kubectl.h"

namespace retrust {

/// Reads the kubeconfig of this kubectl, registers its secrets, and returns the part in use. For a
/// session an unchanged kubeconfig is read once, and remembered without its secrets. A kubectl in a
/// container has a kubeconfig there, or none: the result is null in either case.
boost::asio::awaitable<boost::json::value> register_kubeconfig(Kubectl kubectl, Redactor& redactor);

/// Reads kubeconfigs and registers their secrets. Opens the gate after the last one, also after
/// failures. No output of other commands passes the gate before.
class KubeconfigRegistration {
 public:
  /// The references must outlive this.
  KubeconfigRegistration(Gate& gate, Redactor& redactor, int kubeconfigs)
      : gate_(gate), redactor_(redactor), left_(kubeconfigs) {}

  /// Reads one kubeconfig. The kubectl must not be behind the gate, which would never open.
  boost::asio::awaitable<void> read(Kubectl kubectl, boost::json::value& answer);

  /// Throws the first failure: without the secrets of every kubeconfig retrust does nothing.
  void check() const;

 private:
  Gate& gate_;
  Redactor& redactor_;
  int left_;
  std::exception_ptr failure_;
};

}  // namespace retrust
