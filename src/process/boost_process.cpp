// Boost.Process v2, compiled once and apart: header-only, a custom environment does not link.
#include <boost/process/v2/src.hpp>
