#pragma once

#include <string>

#include "api.h"

namespace retrust::sandbox {

/// A Status object of failure, as API servers answer with; the details are left out where there
/// are none.
Response failure(unsigned code, const std::string& reason, const std::string& message,
                 boost::json::object details = {});

/// What Status objects say about which object it is: name, group and kind, as far as there are any.
boost::json::object details_of(const Resource& resource, const std::string& name);

Response not_found(const Resource& resource, const std::string& name);
Response forbidden(const About& about, const Resource& resource);
Response already_exists(const Resource& resource, const std::string& name);
/// The object is not as the request expects it, for that reason.
Response conflict(const Resource& resource, const std::string& name, const std::string& why);
/// The object cannot be stored, because of that field.
Response invalid(const Resource& resource, const std::string& name, const std::string& field,
                 const std::string& why);
Response unsupported_media_type(const std::string& accepted);
/// No API group of this server is at that path: not even a Status.
Response no_such_page();

}  // namespace retrust::sandbox
