#pragma once

#include <string_view>

#include "report/cluster_table.h"
#include "ui/layout.h"

namespace retrust {

/// The color of a table's line on a terminal.
inline std::string_view color_of(TableLine::Kind kind) {
  switch (kind) {
    case TableLine::Kind::header:
      return bold;
    case TableLine::Kind::bad:
      return red;
    case TableLine::Kind::warning:
      return yellow;
    case TableLine::Kind::faint:
      return dim;
    case TableLine::Kind::plain:
      break;
  }
  return {};
}

}  // namespace retrust
