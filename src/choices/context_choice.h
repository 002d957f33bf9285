#pragma once

namespace retrust {

/// Contexts of a kubeconfig that count.
enum class ContextChoice { current, all };

}  // namespace retrust
