#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

namespace retrust::sandbox {

/// labelSelector and fieldSelector of a list or watch.
class Selector {
 public:
  Selector() = default;
  /// `a=b,c!=d,e in (f,g),h,!i` and `metadata.name=x,type!=y`.
  Selector(const std::string& labels, const std::string& fields);
  /// The fields that it asks for, as they were written.
  const std::vector<std::string>& fields() const { return fields_; }
  bool empty() const { return requirements_.empty(); }
  bool matches(const boost::json::value& object) const;

 private:
  enum class Operator { in, not_in, exists, absent };
  struct Requirement {
    std::string pointer;
    Operator op;
    std::vector<std::string> values;
  };

  std::vector<Requirement> requirements_;
  std::vector<std::string> fields_;
};

}  // namespace retrust::sandbox
