#pragma once

#include <exception>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "base/redactor.h"
#include "tools/kubectl.h"

namespace retrust {

/// Reads the kubeconfig that this kubectl uses, and registers its secrets; the part that is in use.
/// A kubectl in a container has one there, or none; null in either case.
boost::asio::awaitable<boost::json::value> register_kubeconfig(Kubectl kubectl, Redactor& redactor);

/// Reads kubeconfigs and registers their secrets. Opens the gate when the last of them is read, or
/// cannot be: nothing that other commands printed is told before.
class KubeconfigRegistration {
 public:
  /// The references must outlive this.
  KubeconfigRegistration(Gate& gate, Redactor& redactor, int kubeconfigs)
      : gate_(gate), redactor_(redactor), left_(kubeconfigs) {}

  /// Not behind the gate, which would never open.
  boost::asio::awaitable<void> read(Kubectl kubectl, boost::json::value& answer);

  /// Throws what was wrong with the first that could not be read: without its secrets retrust does
  /// nothing.
  void check() const;

 private:
  Gate& gate_;
  Redactor& redactor_;
  int left_;
  std::exception_ptr failure_;
};

}  // namespace retrust
