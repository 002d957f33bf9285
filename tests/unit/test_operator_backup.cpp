#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "observe/backup_offers.h"
#include "observe/operator_backup.h"

namespace retrust {
namespace {

OperatorBackup parsed(const std::string& status) {
  return parse_operator_backup(
      boost::json::parse(R"({"metadata": {"uid": "u-1"}, "status": )" + status + "}"));
}

TEST_CASE("a Backup is complete when its file is stored, and not before") {
  CHECK_FALSE(parse_operator_backup(boost::json::parse("{}")).complete);
  CHECK_FALSE(parsed("{}").complete);
  const auto done = parsed(
      R"({"conditions": [{"type": "Ready", "status": "True", "message": "Completed"},
                         {"type": "Uploaded", "status": "True"}],
          "lastSnapshotTs": "2026-11-27T10:00:00Z", "filename": "x.tar.gz",
          "storageLocation": "PV"})");
  CHECK(done.complete);
  CHECK(done.uid == "u-1");
  CHECK(stored_text(done) == "x.tar.gz on the operator's volume");
  // A schedule's Backup that has a file of yesterday, and fails today.
  const auto fails = parsed(
      R"({"conditions": [{"type": "Ready", "status": "True", "message": "Retrying"},
                         {"type": "Reconciling", "status": "True", "reason": "Error",
                          "message": "Access\nDenied."}],
          "lastSnapshotTs": "2026-11-26T10:00:00Z", "filename": "x.tar.gz"})");
  CHECK_FALSE(fails.complete);
  CHECK(fails.trouble.str().find('\n') == std::string::npos);
  CHECK(fails.trouble.str().starts_with("Access"));
}

TEST_CASE("the resource set that is asked for has Secrets") {
  const auto set_of = [](const std::string& names) {
    return whole_resource_set(boost::json::parse(R"({"kind": "List", "items": [)" + names + "]}"));
  };
  const auto item = [](const std::string& name) {
    return R"({"kind": "ResourceSet", "metadata": {"name": ")" + name + R"("}})";
  };
  const auto basic = item("rancher-resource-set-basic");
  const auto old = item("rancher-resource-set");
  CHECK(set_of(basic).empty());
  CHECK(set_of(old) == "rancher-resource-set");
  CHECK(set_of(basic + "," + old + "," + item("rancher-resource-set-full")) ==
        "rancher-resource-set-full");
}

TEST_CASE("a version of Kubernetes tells k3s and RKE2") {
  CHECK(distribution_of("v1.30.4+k3s1") == Distribution::k3s);
  CHECK(distribution_of("v1.31.1+rke2r1") == Distribution::rke2);
  for (const char* other : {"", "v1.30.4", "v1.30.4-eks-1552ad0", "v1.30.4+", "k3s", "v1-k3s+x"}) {
    CHECK_FALSE(distribution_of(other));
  }
}

TEST_CASE("the operator is proposed before a snapshot, which needs a server node") {
  const BackupOffers none;
  CHECK(none.option().empty());
  CHECK(none.text().empty());
  BackupOffers offers{Distribution::rke2};
  CHECK(offers.option() == "--rke2");
  offers.backup_operator = true;
  CHECK(offers.option() == "--rancher-backup");
  CHECK(offers.text().find("(--rke2, on a server node of it)") != std::string::npos);
}

}  // namespace
}  // namespace retrust
