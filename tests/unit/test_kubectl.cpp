#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "base/json.h"
#include "observe/commands.h"
#include "observe/kubeconfig.h"
#include "observe/kubeconfig_mistakes.h"
#include "observe/login.h"
#include "observe/observe.h"
#include "observe/parse.h"
#include "observe/trim.h"
#include "steps/deletion.h"
#include "tools/action.h"
#include "tools/certificate_errors.h"
#include "tools/json_answer.h"
#include "tools/kubectl.h"
#include "tools/kubectl_errors.h"
#include "tools/kubectl_words.h"
#include "tools/new_name.h"

namespace retrust {
namespace {

/// Where an operator's kubeconfig is; no other file is there.
const std::filesystem::path here = "/nonexistent";

namespace json = boost::json;

Outcome failed(std::string err) {
  Outcome outcome;
  outcome.code = 1;
  outcome.err = std::move(err);
  return outcome;
}

TEST_CASE("what kubectl says when it fails, in a sentence and with a status") {
  struct Case {
    std::string err;
    KubectlError kind;
    ExitStatus status;
    std::string words;
  };
  // As printed by kubectl 1.20 and 1.32.
  const std::vector<Case> cases{
      {"Unable to connect to the server: x509: certificate signed by unknown authority",
       KubectlError::untrusted, ExitStatus::refused, "does not verify the certificate"},
      {"Unable to connect to the server: tls: failed to verify certificate: x509: certificate "
       "signed by unknown authority",
       KubectlError::untrusted, ExitStatus::refused, "does not verify the certificate"},
      {"error: You must be logged in to the server (Unauthorized)", KubectlError::unauthorized,
       ExitStatus::no_answer, "does not accept the credentials"},
      {"error: You must be logged in to the server (the server has asked for the client to provide "
       "credentials)",
       KubectlError::unauthorized, ExitStatus::no_answer, "does not accept the credentials"},
      {"Error from server (Forbidden): secrets is forbidden: User \"viewer\" cannot list resource "
       "\"secrets\" in API group \"\" in the namespace \"cattle-system\"",
       KubectlError::forbidden, ExitStatus::no_answer, "cannot list resource \"secrets\""},
      {"The connection to the server 127.0.0.1:1 was refused - did you specify the right host or "
       "port?",
       KubectlError::unreachable, ExitStatus::no_answer, "cannot be reached"},
      {"Unable to connect to the server: dial tcp: lookup nowhere on 1.1.1.1:53: no such host",
       KubectlError::unreachable, ExitStatus::no_answer, "cannot be reached"},
      {"Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
       KubectlError::timed_out, ExitStatus::no_answer, "did not answer in time"},
      {"error: the server doesn't have a resource type \"clusters\"", KubectlError::no_such_type,
       ExitStatus::refused, "does not know a resource type"},
      {"Error from server (NotFound): pods \"x\" not found", KubectlError::not_found,
       ExitStatus::failed, "does not have what was asked for"},
      {"Error from server (Conflict): error when replacing \"STDIN\": Operation cannot be "
       "fulfilled",
       KubectlError::conflict, ExitStatus::failed, "somebody else changed"},
      {"error: error loading config file \"x\": yaml: line 1: did not find expected node content",
       KubectlError::bad_kubeconfig, ExitStatus::usage, "cannot read the kubeconfig"},
      {"error: current-context must exist in order to minify", KubectlError::no_context,
       ExitStatus::usage, "names no current context"},
      {"error: context \"nowhere\" does not exist", KubectlError::no_context, ExitStatus::usage,
       "has no such context"},
      {"Error in configuration: context was not found for specified context: nowhere",
       KubectlError::no_context, ExitStatus::usage, "has no such context"},
      {"Error in configuration: \n* unable to read client-cert x.crt for u due to open x.crt: no "
       "such "
       "file or directory",
       KubectlError::bad_kubeconfig, ExitStatus::usage, "cannot read the kubeconfig"},
      {"error: invalid 'proxy-url' \"ht!tp://x\" for cluster \"a\": could not parse: ht!tp://x",
       KubectlError::bad_kubeconfig, ExitStatus::usage, "cannot read the kubeconfig"},
      {"error: tls: failed to find any PEM data in certificate input", KubectlError::bad_kubeconfig,
       ExitStatus::usage, "cannot read the kubeconfig"},
      {"error: host must be a URL or a host:port pair: \"://127.0.0.1:9\"",
       KubectlError::bad_kubeconfig, ExitStatus::usage, "cannot read the kubeconfig"},
      // Not the kubeconfig: what kubectl got on its standard input.
      {"error: error parsing STDIN: invalid character 'x'", KubectlError::other, ExitStatus::failed,
       "exit status 1"},
      {"Unable to connect to the server: getting credentials: exec: executable aws failed with "
       "exit "
       "code 255",
       KubectlError::no_login, ExitStatus::no_answer, "the login plugin of down.yaml"},
      // What a server says is no word about what the operator has.
      {"Error from server (InternalError): error when replacing \"STDIN\": Internal error "
       "occurred: "
       "failed calling webhook \"rancher.cattle.io.clusters\": failed to call webhook: Post "
       "\"https://rancher-webhook.cattle-system.svc:443/v1\": x509: certificate signed by unknown "
       "authority",
       KubectlError::webhook_failed, ExitStatus::refused,
       "the webhook rancher.cattle.io.clusters of the downstream cluster"},
      {"Error from server (InternalError): Internal error occurred: failed calling webhook "
       "\"x.y\": "
       "Post \"https://x.y.svc\": dial tcp 10.43.0.9:443: connect: connection refused",
       KubectlError::webhook_failed, ExitStatus::refused, "the webhook x.y of"},
      {"Error from server: conversion webhook for provisioning.cattle.io/v1, Kind=Cluster failed: "
       "Post \"https://rancher-webhook\": x509: certificate has expired or is not yet valid",
       KubectlError::webhook_failed, ExitStatus::refused,
       "the conversion webhook for provisioning.cattle.io/v1"},
      {"Error from server: error when creating \"STDIN\": admission webhook "
       "\"validation.gatekeeper.sh\" denied the request: you cannot do this",
       KubectlError::denied, ExitStatus::refused, "the admission webhook validation.gatekeeper.sh"},
      {"Error from server (Forbidden): secrets \"x\" is forbidden: ValidatingAdmissionPolicy 'p' "
       "with binding 'b' denied request: failed expression",
       KubectlError::denied, ExitStatus::refused, "the ValidatingAdmissionPolicy p of"},
      // A policy refuses as Invalid, unless its author chose another reason.
      {"The clusters \"c-x7k2p\" is invalid: : ValidatingAdmissionPolicy 'p' with binding 'b' "
       "denied "
       "request: failed expression: false",
       KubectlError::denied, ExitStatus::refused, "the ValidatingAdmissionPolicy p of"},
      {"The secrets \"x\" is invalid: : policy 'm' with binding 'b' denied request: no such key",
       KubectlError::denied, ExitStatus::refused, "the MutatingAdmissionPolicy m of"},
      {"The request is invalid: admission webhook \"x.y\" denied the request: no label",
       KubectlError::denied, ExitStatus::refused, "the admission webhook x.y of"},
      {"Error from server (Forbidden): secrets \"x\" is forbidden: exceeded quota: few, requested: "
       "secrets=1, used: secrets=9, limited: secrets=9",
       KubectlError::denied, ExitStatus::refused, "the quota few of"},
      {"Error from server (Forbidden): secrets \"x\" is forbidden: unable to create new content in "
       "namespace cattle-system because it is being terminated",
       KubectlError::denied, ExitStatus::refused, "is being deleted"},
      {"Error from server (Forbidden): pods \"x\" is forbidden: violates PodSecurity "
       "\"restricted:latest\"",
       KubectlError::denied, ExitStatus::refused, "an admission policy of"},
      {"Error from server (ServiceUnavailable): the server is currently unable to handle the "
       "request",
       KubectlError::unreachable, ExitStatus::no_answer, "cannot be reached"},
      {"Error from server: etcdserver: leader changed", KubectlError::unreachable,
       ExitStatus::no_answer, "cannot be reached"},
      {"Error from server (InternalError): dial tcp 10.0.0.1:1: connect: connection refused",
       KubectlError::server_error, ExitStatus::failed, "reports an error of its own"},
      {"Error from server (TooManyRequests): the server has received too many requests and has "
       "asked us to try again later (get pods)",
       KubectlError::busy, ExitStatus::failed, "has too many requests"},
      {"Error from server (AlreadyExists): error when creating \"STDIN\": secrets \"x\" already "
       "exists",
       KubectlError::already_exists, ExitStatus::failed, "another object of that name"},
      // Go's other x509 errors.
      {"Unable to connect to the server: tls: failed to verify certificate: x509: certificate is "
       "valid for kubernetes, 10.43.0.1, not 10.0.0.7",
       KubectlError::wrong_name, ExitStatus::refused, "does not have the address in down.yaml"},
      {"Unable to connect to the server: x509: cannot validate certificate for 10.0.0.7 because it "
       "doesn't contain any IP SANs",
       KubectlError::wrong_name, ExitStatus::refused, "does not have the address"},
      {"Unable to connect to the server: x509: certificate is not valid for any names, but wanted "
       "to "
       "match lb",
       KubectlError::wrong_name, ExitStatus::refused, "does not have the address"},
      {"Unable to connect to the server: x509: certificate relies on legacy Common Name field, use "
       "SANs or temporarily enable Common Name matching with GODEBUG=x509ignoreCN=0",
       KubectlError::wrong_name, ExitStatus::refused, "does not have the address"},
      {"Unable to connect to the server: x509: certificate has expired or is not yet valid",
       KubectlError::expired, ExitStatus::refused, "has expired"},
      {"Unable to connect to the server: x509: certificate has expired or is not yet valid: "
       "current "
       "time 2026-11-26T03:20:24Z is before 2026-11-26T05:00:00Z",
       KubectlError::not_yet_valid, ExitStatus::refused, "is not yet valid"},
      {"Unable to connect to the server: x509: certificate specifies an incompatible key usage",
       KubectlError::bad_certificate, ExitStatus::refused, "kubectl refuses the certificate"},
      // The CA in an old kubeconfig may have expired too.
      {"Unable to connect to the server: x509: certificate signed by unknown authority (possibly "
       "because of \"x509: certificate has expired or is not yet valid\" while trying to verify "
       "candidate authority certificate \"kube-ca\")",
       KubectlError::untrusted, ExitStatus::refused, "does not verify the certificate"},
      // A certificate may have any text as a name.
      {"Unable to connect to the server: x509: certificate is valid for getting credentials: , not "
       "x",
       KubectlError::wrong_name, ExitStatus::refused, "does not have the address"},
      {"Unable to connect to the server: proxyconnect tcp: dial tcp 10.0.0.9:3128: i/o timeout",
       KubectlError::proxy_failed, ExitStatus::no_answer, "a proxy on the way"},
      {"Unable to connect to the server: socks connect tcp 10.0.0.9:1080->10.0.0.1:6443: unknown "
       "error host unreachable",
       KubectlError::proxy_failed, ExitStatus::no_answer, "a proxy on the way"},
      {"Unable to connect to the server: Proxy Authentication Required", KubectlError::proxy_failed,
       ExitStatus::no_answer, "a proxy on the way"},
      {"Unable to connect to the server: remote error: tls: bad certificate",
       KubectlError::unauthorized, ExitStatus::refused, "does not accept the credentials"},
      {"error: You must be logged in to the server (error loading config file //localhost:8080)",
       KubectlError::unauthorized, ExitStatus::no_answer, "does not accept the credentials"},
      {"error: You must be logged in to the server (x\nerror: context \"x\" does not exist)",
       KubectlError::unauthorized, ExitStatus::no_answer, "does not accept the credentials"},
      {"Error from server (InternalError): getting credentials: x", KubectlError::server_error,
       ExitStatus::failed, "reports an error of its own"},
      {"The x \"x\" is invalid: x: x\nerror: context \"x\" does not exist", KubectlError::other,
       ExitStatus::failed, "exit status 1"},
      {"error: the disk is full", KubectlError::other, ExitStatus::failed, "exit status 1"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.err);
    const auto failure =
        explain(failed(each.err), {Side::downstream, "down.yaml", "kubectl", "kubectl get"});
    CHECK(failure.kind == each.kind);
    CHECK(failure.status == each.status);
    CHECK(std::string(failure.what()).find(each.words) != std::string::npos);
    // Its own words are never swallowed.
    CHECK((failure.detail.empty() ? failure.what() : failure.detail).find(each.err) !=
          std::string::npos);
    CHECK_FALSE(failure.advice.empty());
  }
}

TEST_CASE("each kind of failure of kubectl has its code") {
  struct Case {
    std::string err;
    FailureCode code;
  };
  using enum FailureCode;
  const std::vector<Case> cases{
      {"Unable to connect to the server: x509: certificate signed by unknown authority",
       stale_kubeconfig},
      {"Unable to connect to the server: remote error: tls: bad certificate", stale_kubeconfig},
      {"Unable to connect to the server: x509: certificate has expired or is not yet valid",
       bad_certificate},
      {"error: You must be logged in to the server (Unauthorized)", unauthorized},
      {"Unable to connect to the server: getting credentials: exec: exit status 1", unauthorized},
      {"Error from server (Forbidden): secrets is forbidden: User \"a\" cannot list resource "
       "\"secrets\"",
       forbidden},
      {"The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or "
       "port?",
       unreachable},
      {"Unable to connect to the server: proxyconnect tcp: EOF", unreachable},
      {"Unable to connect to the server: net/http: TLS handshake timeout", unreachable},
      {"Error from server (TooManyRequests): try again later", server_error},
      {"Error from server (InternalError): an error on the server", server_error},
      {"Error from server (Conflict): Operation cannot be fulfilled", changed_meanwhile},
      {"Error from server (NotFound): secrets \"x\" not found", failed},
      {"Error from server: admission webhook \"x.y\" denied the request: no", denied},
      {"error: context \"nowhere\" does not exist", bad_kubeconfig},
      {"error: error loading config file \"x\": yaml: line 1", bad_kubeconfig},
      {"error: the disk is full", failed},
  };
  for (const auto& each : cases) {
    CAPTURE(each.err);
    const Outcome outcome = retrust::failed(each.err);
    const auto failure =
        explain(outcome, {Side::downstream, "down.yaml", "kubectl", "kubectl get"});
    CHECK(info_of(failure.code).name == info_of(each.code).name);
    // The same with the action as its subject, which is another failure.
    Asked about{Side::downstream, "down.yaml", "kubectl", "kubectl get"};
    about.action = "reading the pods";
    const auto told = explain(outcome, about);
    CHECK(told.code == each.code);
    CHECK(told.status == failure.status);
  }
  Outcome hung;
  hung.ending = Ending::timed_out;
  CHECK(explain(hung, {}).code == unreachable);
  Outcome missing;
  missing.ending = Ending::not_found;
  CHECK(explain(missing, {}).code == no_program);
}

TEST_CASE("what a command does is told as the subject of a sentence") {
  const NamespaceName where("cattle-system");
  const ObjectName one("a-x7k2p");
  const std::vector<ObjectName> two{one, ObjectName("b-x7k2p")};
  CHECK(action_text(commands::delete_pods(where, two)) == "deleting the pods");
  CHECK(action_text(commands::delete_secrets(where, {one})) == "deleting the secret a-x7k2p");
  CHECK(action_text(commands::delete_given()) == "deleting the objects");
  CHECK(action_text(commands::delete_secret_with(where, one)) ==
        "deleting /api/v1/namespaces/cattle-system/secrets/a-x7k2p");
  CHECK(action_text(Kubectl::get_args(commands::pods(where))) == "reading the pods");
  CHECK(action_text(Kubectl::get_args(commands::accounts_and_secrets(where))) ==
        "reading the objects");
  CHECK(action_text(Kubectl::get_args(commands::cluster(ClusterId("c-x7k2p")))) ==
        "reading the clusters resource c-x7k2p");
  CHECK(action_text(Kubectl::watch_args(commands::pods(where))) == "watching the pods");
  CHECK(action_text(commands::restart_deployment(where, ObjectName("rancher"))) ==
        "restarting the deployment rancher");
  CHECK(action_text(commands::deploy_agents_again(ClusterId("c-x7k2p"), ResourceVersion("7"))) ==
        "annotating the clusters resource c-x7k2p");
  CHECK(action_text(Kubectl::create_args(), "Secret x in y") == "creating the Secret x in y");
  CHECK(action_text(Kubectl::create_args(), "2 TokenReviews") == "asking for 2 TokenReviews");
  CHECK(action_text(Kubectl::replace_args(), "Cluster c-x7k2p, resourceVersion 7") ==
        "replacing the Cluster c-x7k2p");
  CHECK(action_text(Arguments{"get", "--raw"}.absolute_path("/api/v1/x?limit=5")) ==
        "reading /api/v1/x");
}

TEST_CASE("a failure begins with the action and the cluster, where it is one of an action") {
  Asked asked{Side::downstream, "down.yaml", "kubectl", "kubectl delete pod"};
  asked.action = "deleting the pods of production";
  const auto text = [&](const std::string& err) {
    return std::string(explain(failed(err), asked).what());
  };
  CHECK(text("error: the disk is full") ==
        "deleting the pods of production failed: kubectl delete pod ended with exit status 1");
  CHECK(text("Error from server (ServiceUnavailable): x") ==
        "deleting the pods of production failed: the API server of the downstream cluster "
        "(down.yaml) cannot be reached");
  CHECK(text("error: context \"x\" does not exist") ==
        "the kubeconfig down.yaml has no such context");
}

TEST_CASE("a new name has the form of the API server's") {
  std::set<std::string> names;
  for (int i = 0; i < 100; ++i) {
    const auto name = new_name("cattle-token-").text();
    REQUIRE(name.size() == std::string("cattle-token-").size() + 5);
    CHECK(name.find_first_not_of("bcdfghjklmnpqrstvwxz2456789", 13) == std::string::npos);
    CHECK(renewed_name(ObjectName(name)).text().starts_with("cattle-token-"));
    CHECK(renewed_name(ObjectName(name)).text().size() == name.size());
    names.insert(name);
  }
  CHECK(names.size() > 95);
}

TEST_CASE("an object that was read holds what was sent, and may hold more") {
  const auto sent =
      json::parse(R"({"kind":"Secret","metadata":{"labels":{"a":"b"}},"l":[{"x":1}]})");
  const auto read = [&](const char* text) { return holds(json::parse(text), sent); };
  CHECK(read(R"({"kind":"Secret","metadata":{"uid":"1","labels":{"a":"b","c":"d"}},
                 "l":[{"x":1,"y":2}],"data":{}})"));
  CHECK_FALSE(read(R"({"kind":"Secret","metadata":{"labels":{"a":"c"}},"l":[{"x":1}]})"));
  CHECK_FALSE(read(R"({"kind":"Secret","metadata":{"labels":{"a":"b"}},"l":[]})"));
  CHECK_FALSE(read(R"({"kind":"Secret","metadata":"x","l":[{"x":1}]})"));
  CHECK_FALSE(read("null"));
}

TEST_CASE("a kubeconfig without the context: its contexts are named, and how to choose one") {
  const Asked asked{Side::local, "local.yaml", "kubectl", "kubectl config"};
  const auto failure =
      explain(failed("error: current-context must exist in order to minify"), asked);
  const auto of = [&](const std::vector<std::string>& contexts) {
    return with_contexts(failure, asked, contexts);
  };
  const auto two = of({"$(id)", "rancher"});
  CHECK(std::string(two.what()) ==
        "the kubeconfig local.yaml names no current context; its contexts: $(id) and rancher");
  CHECK(two.advice.text() ==
        "choose one with --local-context, for example: retrust status --local-context=rancher");
  CHECK(two.status == ExitStatus::usage);
  // What is odd is shown harmlessly, and is in no command.
  const auto odd = of({"a\x1b[31m"});
  CHECK(std::string(odd.what()).find('\x1b') == std::string::npos);
  CHECK(odd.advice.command.ends_with("kubectl --kubeconfig=local.yaml config get-contexts"));
  CHECK(std::string(of(std::vector<std::string>(1000, std::string(1000, 'x'))).what()).size() <
        1000);
  CHECK(std::string(of({}).what()) == "the kubeconfig local.yaml has no context");
  // Near names come first.
  const auto near = with_contexts(failure, asked, {"a", "b", "production"}, "prodution");
  CHECK(std::string(near.what()).find("its contexts: production, a and b") != std::string::npos);
  CHECK(near.advice.command.find("--local-context=production") != std::string::npos);
  const auto wrong = with_contexts(explain(failed("error: cannot locate context nowhere"), asked),
                                   asked, {"rancher"});
  CHECK(std::string(wrong.what()) ==
        "the kubeconfig local.yaml has no such context; its contexts: rancher");
}

TEST_CASE("names of a certificate that fit tls-server-name") {
  using Names = std::vector<std::string>;
  const auto of = [](const std::string& names) {
    return server_names("x509: certificate is valid for " + names + ", not 10.0.0.7");
  };
  CHECK(of("10.0.0.1, lb.example.com, kubernetes") ==
        Names{"kubernetes", "10.0.0.1", "lb.example.com"});
  CHECK(of("*.example.com, -x, a b, $(id), ::1") == Names{"::1"});
  CHECK(of("a, b, c, d, e, f").size() == 4);
  const Names usual{"kubernetes.default.svc", "kubernetes"};
  CHECK(
      server_names("x509: cannot validate certificate for 10.0.0.7 because it doesn't contain any "
                   "IP SANs") == usual);
}

TEST_CASE("contexts that go straight to the cluster, those of the same cluster first") {
  const auto config = json::parse(R"({"clusters":[
    {"name":"r","cluster":{"server":"https://rancher/k8s/clusters/c-1"}},
    {"name":"n","cluster":{"server":"https://10.0.0.1:6443"}}],"contexts":[
    {"name":"prod","context":{"cluster":"r"}},{"name":"other","context":{"cluster":"n"}},
    {"name":"prod-node1","context":{"cluster":"n"}}]})");
  CHECK(direct_contexts(config, "prod") == std::vector<std::string>{"prod-node1", "other"});
  CHECK(direct_contexts(json::parse("{}"), "prod").empty());
}

TEST_CASE("the local cluster gets other advice than the downstream one") {
  const auto failure =
      explain(failed("error: the server doesn't have a resource type \"clusters\""),
              {Side::local, "local.yaml", "kubectl", "kubectl get"});
  CHECK(failure.advice.sentence.find("Rancher itself") != std::string::npos);
}

TEST_CASE("documents one after another, in any pieces") {
  const std::string text = "{\"a\":1}\n{\"b\":[1,2]} \n\n3 ";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    DocumentStream stream;
    std::vector<json::value> found;
    for (std::size_t begin = 0; begin < text.size(); begin += size) {
      stream.feed(std::string_view(text).substr(begin, size),
                  [&](json::value document) { found.push_back(std::move(document)); });
    }
    CAPTURE(size);
    REQUIRE(found.size() == 3);
    CHECK(found[1].at("b").as_array().size() == 2);
    CHECK(stream.at_boundary());
  }
  DocumentStream stream;
  const auto ignore = [](json::value) {};
  stream.feed("{\"a\"", ignore);
  CHECK_FALSE(stream.at_boundary());
  CHECK_THROWS(stream.feed(" nonsense", ignore));
}

TEST_CASE("items of a list are trimmed one by one, in any pieces") {
  const std::string text =
      R"({"kind":"List","items":[{"items":[1],"big":"x"},{"big":2}],"metadata":{"items":[]}} [3])";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    CAPTURE(size);
    DocumentStream stream([](json::value& item) { item.as_object().erase("big"); });
    std::vector<std::string> found;
    for (std::size_t begin = 0; begin < text.size(); begin += size) {
      stream.feed(std::string_view(text).substr(begin, size),
                  [&](json::value document) { found.push_back(json::serialize(document)); });
    }
    REQUIRE(found.size() == 2);
    CHECK(found[0] == R"({"kind":"List","items":[{"items":[1]},{}],"metadata":{"items":[]}})");
    CHECK(found[1] == "[3]");
  }
}

TEST_CASE("a list is as long as it likes where little of it is needed, and no longer otherwise") {
  const auto item = R"({"kind":"Secret","data":{"release":")" + std::string(1 << 20U, 'x') + "\"}}";
  const auto read = [&](Trim trim) {
    JsonAnswer answer(std::move(trim));
    const auto reader = answer.reader();
    auto flow = reader(R"({"items":[)" + item);
    for (int i = 0; i < 50 && flow == Flow::go_on; ++i) flow = reader("," + item);
    if (flow == Flow::go_on) reader("]}");
    return flow == Flow::go_on ? array_at(answer.document({}), "/items").size() : 0;
  };
  CHECK(read(downstream_trim()) == 51);
  CHECK(read({}) == 0);
}

TEST_CASE("of the objects that there are thousands of what decisions need is left") {
  const auto trimmed = [](const Trim& trim, std::string_view text) {
    auto item = json::parse(text);
    trim(item);
    return json::serialize(item);
  };
  const auto name_space =
      R"({"kind":"Namespace","metadata":{"name":"p-1","uid":"u","annotations":{"a":"b"}},"spec":{}})";
  CHECK(trimmed(local_trim("x"), name_space) ==
        R"({"kind":"Namespace","metadata":{"name":"p-1","uid":"u"}})");
  const auto other =
      R"({"kind":"Cluster","metadata":{"name":"c-1","uid":"u"},"spec":{"displayName":"d","x":1},"status":{}})";
  CHECK(trimmed(local_trim("x"), other) ==
        R"({"kind":"Cluster","metadata":{"name":"c-1"},"spec":{"displayName":"d"}})");
  CHECK(trimmed(local_trim("c-1"), other) == other);
  CHECK(trimmed(local_trim("d"), other) == other);
  const auto credentials =
      R"({"kind":"Secret","metadata":{"name":"cattle-credentials-1"},"data":{"token":"x"},"type":"Opaque"})";
  CHECK(trimmed(downstream_trim(), credentials) == credentials);
}

TEST_CASE("one document is read in bounded memory") {
  CHECK(text_at(parse_document(R"( {"a": "b"} )"), "/a") == "b");
  CHECK_THROWS_AS(parse_document(""), boost::system::system_error);
  CHECK_THROWS_AS(parse_document("{"), boost::system::system_error);
  CHECK_THROWS_AS(parse_document("{} {}"), boost::system::system_error);
  // 4 MB as a file, and 50 MB as values.
  std::string small = "[";
  for (int i = 0; i < 1'000'000; ++i) small += "[0],";
  CHECK_THROWS_AS(parse_document(small + "0]"), std::length_error);
}

TEST_CASE("what is printed after what is not JSON is waited for and not kept") {
  JsonAnswer answer({});
  const auto reader = answer.reader();
  CHECK(reader("oops") == Flow::go_on);
  CHECK(reader("{}") == Flow::go_on);
  Asked asked;
  asked.command = "kubectl get";
  asked.kubeconfig = "downstream.yaml";
  CHECK_THROWS_WITH(answer.document(asked),
                    "asking the downstream cluster, kubectl get printed what is not JSON (6 bytes: "
                    "syntax error)");
  Asked container;
  container.command = "docker inspect";
  CHECK_THROWS_WITH(answer.document(container),
                    "docker inspect printed what is not JSON (6 bytes: syntax error)");
}

TEST_CASE("addresses that lead through Rancher") {
  CHECK(through_rancher("https://rancher.example.com/k8s/clusters/c-abcde") == "c-abcde");
  CHECK(through_rancher("https://rancher.example.com/k8s/clusters/local/") == "local");
  CHECK(through_rancher("https://10.0.0.1:6443").empty());
}

TEST_CASE("what a kubeconfig's users prove themselves with is masked from then on") {
  const std::string line(64, 'k');
  const auto pem = "-----BEGIN EC PRIVATE KEY-----\n" + line +
                   "\nlastlineofkey==\n-----END EC PRIVATE KEY-----\n";
  json::object user;
  user["token"] = "an.admin.token-of-some-length";
  user["password"] = "correct horse battery";
  user["client-key-data"] = base64_encode(pem);
  json::object entry;
  entry["user"] = user;
  json::object view;
  view["users"] = json::array{entry};
  Redactor redactor;
  keep_users(redactor, json::value(view), here);
  for (const auto& secret : {std::string("an.admin.token-of-some-length"),
                             base64_encode("an.admin.token-of-some-length"),
                             std::string("correct horse battery"), base64_encode(pem), line}) {
    const auto hidden =
        redactor.mask("before " + secret + " after").find(secret) == std::string::npos;
    CHECK(hidden);
  }
  CHECK(redactor.mask("-----BEGIN EC PRIVATE KEY-----") == "-----BEGIN EC PRIVATE KEY-----");
}

/// Whether each of these texts is hidden, and none of the others, once the user is registered.
void check_user(const std::string& user, const std::vector<std::string>& hidden,
                const std::vector<std::string>& plain) {
  const auto view = json::parse(R"({"users":[{"name":"u","user":)" + user + "}]}");
  Redactor redactor;
  keep_users(redactor, view, here);
  for (const auto& secret : hidden) {
    CAPTURE(secret);
    CHECK(redactor.mask("x " + secret + " y").find(secret) == std::string::npos);
  }
  for (const auto& word : plain) {
    CAPTURE(word);
    CHECK(redactor.mask("x " + word + " y") == "x " + word + " y");
  }
}

TEST_CASE("kubeconfigs of EKS, GKE, AKS and OIDC: secrets are masked, names stay readable") {
  const std::vector<std::string> always{"repair-impersonation", "backup-container",
                                        "cattle-cluster-agent-7d8f9c6b5-mbz6j",
                                        R"({"version":1,"event":"step_started"})"};
  auto plain = always;
  SUBCASE("EKS") {
    plain.insert(plain.end(), {"my-production-cluster", "eu-central-1", "production-admin-profile",
                               "client.authentication.k8s.io/v1beta1"});
    check_user(R"({"exec":{"apiVersion":"client.authentication.k8s.io/v1beta1","command":"aws",
      "args":["--region","eu-central-1","eks","get-token","--cluster-name","my-production-cluster",
              "--output","json","--role","arn:aws:iam::123456789012:role/EksAdministrator"],
      "env":[{"name":"AWS_PROFILE","value":"production-admin-profile"},
             {"name":"AWS_SECRET_ACCESS_KEY","value":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzz"},
             {"name":"AWS_WEB_IDENTITY_TOKEN_FILE","value":"/var/run/secrets/aws/token"},
             {"name":"AWS_SESSION_TOKEN","value":"iqojb3jpz2luec4a"}]}})",
               {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzz", "iqojb3jpz2luec4a"}, plain);
  }
  SUBCASE("GKE") {
    plain.insert(plain.end(), {"gke-gcloud-auth-plugin", "gke_project_europe-west3_production"});
    check_user(R"({"exec":{"command":"gke-gcloud-auth-plugin","args":["--use_application_default"],
      "installHint":"Install gke-gcloud-auth-plugin","provideClusterInfo":true},
      "auth-provider":{"name":"gcp","config":{"access-token":"ya29.a0AfH6SMBx-opaque",
        "cmd-path":"/usr/lib/google-cloud-sdk/bin/gcloud","expiry":"2026-01-10T08:00:00Z"}}})",
               {"ya29.a0AfH6SMBx-opaque"}, plain);
  }
  SUBCASE("AKS") {
    plain.insert(plain.end(), {"AzurePublicCloud", "6dae42f8-4368-4678-94ff-3960e28e3630",
                               "servicePrincipalLogin", "production-cluster"});
    check_user(R"({"exec":{"command":"kubelogin","args":["get-token","--environment",
      "AzurePublicCloud","--server-id","6dae42f8-4368-4678-94ff-3960e28e3630","--login",
      "servicePrincipalLogin","--client-secret","Qx8Q~abcdefghijklmnop","--token-cache-dir",
      "production-cluster"],"env":null}})",
               {"Qx8Q~abcdefghijklmnop"}, plain);
  }
  SUBCASE("OIDC") {
    plain.insert(plain.end(), {"kubernetes-production", "https://login.example.com/realms/ops"});
    check_user(R"({"exec":{"command":"kubectl","args":["oidc-login","get-token",
      "--oidc-issuer-url=https://login.example.com/realms/ops",
      "--oidc-client-id=kubernetes-production",
      "--oidc-client-secret=d0b8122f-8dfb-46b7-b68a-f5cc4e25d000"]},
      "auth-provider":{"name":"oidc","config":{"client-id":"kubernetes-production",
        "client-secret":"keycloaksecret","id-token":"opaque-id-token-1",
        "refresh-token":"opaque-refresh-token-1","idp-issuer-url":"https://login.example.com"}}})",
               {"d0b8122f-8dfb-46b7-b68a-f5cc4e25d000", "keycloaksecret", "opaque-id-token-1",
                "opaque-refresh-token-1"},
               plain);
  }
}

TEST_CASE("a kubeconfig in a container hides its secrets, and no word of ours") {
  const std::vector<std::string> words{"kubectl --kubeconfig",
                                       "production",
                                       "cattle-system",
                                       "cattle-cluster-agent-7d8f9c6b5-mx8hc",
                                       "serviceAccountTokenSecret",
                                       "/opt/rancher/retrust-production-20261126T110112Z",
                                       "f12a5032-e5e9-48b5-9f5d-a768e4e1d363"};
  const std::vector<std::string> secrets{"admin-zq8vcd2kfj7w5x9rht4b6n",
                                         "5f4dcc3b5aa765d61d8327deb882cf99",
                                         "AbcDef+GhiJkl/MnoPqr+StuVwx/Yz0123456789+/=="};
  json::array users;
  const auto add = [&](const std::string& text) {
    for (const auto* field : {"token", "password", "client-key-data"}) {
      json::object user;
      user[field] = text;
      json::object entry;
      entry["user"] = user;
      users.emplace_back(entry);
    }
    json::object key;
    key["client-key-data"] = base64_encode("-----BEGIN EC PRIVATE KEY-----\n" + text + "\n");
    json::object entry;
    entry["user"] = key;
    users.emplace_back(entry);
  };
  for (const auto& word : words) add(word);
  for (const auto& secret : secrets) add(secret);
  json::object view;
  view["users"] = users;
  Redactor redactor;
  keep_users(redactor, view, std::nullopt);
  for (const auto& word : words) CHECK(redactor.mask("a " + word + " b") == "a " + word + " b");
  for (const auto& secret : secrets) {
    const auto hidden = redactor.mask("a " + secret + " b").find(secret) == std::string::npos;
    CHECK(hidden);
  }
}

TEST_CASE("the contents of key and token files that a kubeconfig names are masked") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("retrust-kubeconfig-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "token") << "opaque-token-of-a-file\n";
  std::ofstream(folder / "key") << "-----BEGIN EC PRIVATE KEY-----\nlineofakeyfile\n";
  const auto view = json::parse(
      R"({"users":[{"user":{"tokenFile":"token","client-key":"key"}},
                   {"user":{"tokenFile":"missing","client-key":"/dev/zero"}}]})");
  Redactor redactor;
  keep_users(redactor, view, folder);
  CHECK(redactor.mask("opaque-token-of-a-file").starts_with("‹token sha256:"));
  CHECK(redactor.mask("x lineofakeyfile").starts_with("x ‹client-key-data sha256:"));
  std::filesystem::remove_all(folder);
}

TEST_CASE("an address is shown without user, password and query") {
  CHECK(shown_url("https://10.0.0.1:6443") == "https://10.0.0.1:6443");
  CHECK(shown_url("https://ada:pa@ss@host/k8s/clusters/c-x?token=abc#d") ==
        "https://host/k8s/clusters/c-x");
  CHECK(shown_url("host?token=abc") == "host");
  CHECK(shown_url("ada:pw@host") == "host");
  const auto view = json::parse(
      R"({"clusters":[{"cluster":{"server":"https://ada:password1@host/x?token=opaquetoken"}}]})");
  CHECK(parse_kubeconfig(view).server == "https://host/x");
  const auto hostile = json::parse(
      R"({"clusters":[{"cluster":{"server":"https://host\u001b[2J\nDone. Exit status 0."}}]})");
  CHECK(parse_kubeconfig(hostile).server == "https://host?[2J Done. Exit status 0.");
  CHECK(text_at(parse_kubeconfig(view).cluster, "/server").find("password1") != std::string::npos);
  Redactor redactor;
  keep_users(redactor, view, here);
  CHECK(redactor.mask("password1 opaquetoken").find("password1") == std::string::npos);
  CHECK(redactor.mask("password1 opaquetoken").find("opaquetoken") == std::string::npos);
}

TEST_CASE("whether a login asks a person is read from its kubeconfig") {
  const auto login = [](const std::string& user) {
    return login_of(boost::json::parse(R"({"users":[{"name":"u","user":)" + user + "}]}"));
  };
  const auto plugin = [&](const std::string& mode) {
    return login(
        R"({"exec":{"command":"kubelogin","apiVersion":"client.authentication.k8s.io/v1")" + mode +
        "}}");
  };
  CHECK(login_of(boost::json::parse("{}")) == Login::silent);
  CHECK(login("null") == Login::silent);
  CHECK(login(R"({"token":"t"})") == Login::silent);
  CHECK(login(R"({"exec":null})") == Login::silent);
  CHECK(plugin(R"(,"interactiveMode":"Never")") == Login::silent);
  CHECK(plugin(R"(,"interactiveMode":"IfAvailable")") == Login::may_ask);
  CHECK(plugin(R"(,"interactiveMode":"Always")") == Login::always_asks);
  // A kubectl that does not know the mode does not print it.
  CHECK(plugin("") == Login::may_ask);
  CHECK(login(R"({"auth-provider":{"name":"oidc"}})") == Login::silent);
  CHECK(login(R"({"auth-provider":{"name":"azure"}})") == Login::may_ask);
}

TEST_CASE("of a kubectl's standard error the lines of known form are kept") {
  const auto words = kubectl_words(
      "I0312 12:00:00.000000   1 request.go:1] Response Body: {\"token\":\"opaque\"}\n"
      "E0312 12:00:00.000000   1 memcache.go:265] couldn't get current server API group list\n"
      "Error from server (Forbidden): secrets is forbidden\n"
      "E0312 12:00:00.000000   1 memcache.go:265] \"Unhandled Error\" err=<\n"
      "\tgetting credentials: exec: executable aws not found\n"
      "\t\n >\n"
      "00000000  6b 38 73 00\n"
      "opaque-token-of-nobody\n\n"
      "opaque-token-of-nobody\n"
      "Warning: v1 ComponentStatus is deprecated\n"
      "The TokenReview \"\" is invalid: \n* spec.token: Required value\n"
      "Error from server (Forbidden): secrets is forbidden\n");
  CHECK(words.known ==
        "Error from server (Forbidden): secrets is forbidden\n"
        "Warning: v1 ComponentStatus is deprecated\n"
        "The TokenReview \"\" is invalid: \n* spec.token: Required value\n");
  CHECK(words.withheld == 2);
  CHECK(words.others == "00000000  6b 38 73 00\nopaque-token-of-nobody\n");
  CHECK(
      plugin_failed("Unable to connect to the server: getting credentials: exec: executable aws "
                    "failed with exit code 255\n"));
  CHECK(whole_words("a word cut o") == "a word cut ");
  CHECK(whole_words("whole") == "");
}

TEST_CASE("what kubectl quotes of a kubeconfig that it cannot read is left out") {
  const std::string begins = "error: error loading config file \"/x\": ";
  for (const std::string quoting :
       {"duplicate name \"admin\" in list: [{admin { []  [] opaque-token",
        "error found in #10 byte of ...|n\":opaque-token|..., bigger context ...|x|...",
        "yaml: invalid map key: map[string]interface {}{\"opaque-token\":1}",
        "yaml: unmarshal errors: cannot unmarshal !!str `opaque-token` into int"}) {
    CAPTURE(quoting);
    const auto words = kubectl_words(begins + quoting + "\n");
    CHECK(words.known.starts_with(begins));
    CHECK(words.known.ends_with("…\n"));
    CHECK(words.known.find("opaque-token") == std::string::npos);
  }
  const auto plain = begins + "yaml: line 3: mapping values are not allowed in this context\n";
  CHECK(kubectl_words(plain).known == plain);
}

TEST_CASE("a deletion that kubectl does not report is noticed") {
  const Deletion deletion{"secret", "cattle-system", {{"a", "1"}, {"b", "2"}}};
  using Names = std::vector<ObjectName>;
  CHECK(not_reported(deletion, "secret \"a\" deleted\nsecret \"b\" deleted\n").empty());
  CHECK(not_reported(deletion,
                     "secret \"b\" force deleted from cattle-system namespace\n"
                     "secret/a\n")
            .empty());
  CHECK(not_reported(deletion, "secret \"b\" deleted\n") == Names{"a"});
  CHECK(not_reported(deletion, "deletion is cancelled\n") == Names{"a", "b"});
  CHECK(not_reported(deletion,
                     "secret \"a\" deleted (dry run)\n"
                     "secret \"b\" deleted from x namespace (server dry run)\n") ==
        Names{"a", "b"});
  CHECK(not_reported(deletion, "pod \"a\" deleted\nsecret \"bb\" deleted\n") == Names{"a", "b"});
}

TEST_CASE("a kubectl reads a kuberc from 1.33 on") {
  using enum KubectlDefaults;
  CHECK(defaults_of("v1.32.9", "true") == built_in);
  CHECK(defaults_of("v1.33.0", nullptr) == built_in);
  CHECK(defaults_of("v1.33.0", "TRUE") == of_kuberc);
  CHECK(defaults_of("v1.34.0", nullptr) == of_kuberc);
  CHECK(defaults_of("v1.34.0", "False") == built_in);
  CHECK(defaults_of("v1.34.0", "no") == of_kuberc);
  CHECK(defaults_of("v1.36.1+k3s1", nullptr) == of_kuberc);
  CHECK(defaults_of("4.20.0-202510", "false") == of_kuberc);
  CHECK(defaults_of("", nullptr) == of_kuberc);
}

TEST_CASE("what a kuberc may not change of a command is given outright") {
  const auto line = [](const Arguments& args) {
    return shell_line(KubectlLine{{"kubectl"}, KubectlDefaults::of_kuberc}, args);
  };
  const auto deletion = line(commands::delete_pods("n", {"a"}));
  for (const auto* option :
       {" --interactive=false", " --dry-run=none", " --force=false", " --selector=", " --raw="}) {
    CAPTURE(option);
    CHECK(deletion.find(option) != std::string::npos);
  }
  // What is given already stays as it is.
  const auto watch = line(Kubectl::watch_args(commands::watched_cluster("c-x7k2p")));
  CHECK(watch.find("--watch=false") == std::string::npos);
  CHECK(watch.find("--output-watch-events=false") == std::string::npos);
  CHECK(watch.find("--field-selector= ") == std::string::npos);
  CHECK(line(Kubectl::replace_raw_args("/x")).find("--raw=") == std::string::npos);
  CHECK(deletion.find("--namespace") == std::string::npos);
  CHECK(shell_line(KubectlLine{}, commands::delete_given()) ==
        "kubectl delete -f - --ignore-not-found --wait=false");
}

json::value cluster(const std::string& id, const std::string& name) {
  return json::parse(R"({"kind":"Cluster","metadata":{"name":")" + id +
                     R"("},"spec":{"displayName":")" + name + R"("}})");
}

TEST_CASE("the cluster that is meant") {
  json::object list;
  list["items"] = json::array{cluster("c-aaaaa", "production"), cluster("c-bbbbb", "staging"),
                              cluster("c-ccccc", "staging")};
  const json::value all(list);
  const auto choose = [&](const std::string& wanted) {
    return text_at(choose_cluster(all, wanted, "kubectl get clusters"), "/metadata/name");
  };
  CHECK(choose("c-bbbbb") == "c-bbbbb");
  CHECK(choose("production") == "c-aaaaa");
  CHECK_THROWS_WITH(choose("staging"), "2 clusters are called staging: c-bbbbb and c-ccccc");
  CHECK_THROWS_WITH(choose("prod"), "Rancher knows no cluster prod; near: production");
  CHECK_THROWS_WITH(choose("zzzzzzz"), "Rancher knows no cluster zzzzzzz");
  for (const auto* wanted : {"staging", "prod", "zzzzzzz"}) {
    try {
      choose(wanted);
    } catch (const Failure& failure) {
      CHECK(failure.advice.command == "kubectl get clusters");
    }
  }
}

json::value token_secret(const std::string& name, const std::string& extra = "{}") {
  auto secret = json::parse(
      R"({"kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{"namespace":
          "cattle-system","creationTimestamp":"2025-01-01T00:00:00Z","annotations":{
          "kubernetes.io/service-account.name":"cattle"}},"data":{"token":"dG9rZW4=","ca.crt":
          "Y2E="}})");
  secret.as_object()["metadata"].as_object()["name"] = name;
  secret.as_object()["metadata"].as_object()["labels"] = json::parse(extra);
  return secret;
}

TEST_CASE("token secrets are chosen by type and annotation, the best first") {
  Redactor redactor;
  auto opaque = token_secret("my-cattle-token-notes");
  opaque.as_object()["type"] = "Opaque";
  auto elsewhere = token_secret("cattle-token-else");
  elsewhere.as_object()["metadata"].as_object()["namespace"] = "default";
  auto others = token_secret("default-token-x");
  others.as_object()["metadata"]
      .as_object()["annotations"]
      .as_object()["kubernetes.io/service-account.name"] = "default";
  auto account = json::parse(
      R"({"kind":"ServiceAccount","metadata":{"name":"cattle"},"secrets":[{"name":"second"}]})");
  const auto names = [&](const json::value& service_account) {
    json::object list;
    list["items"] =
        json::array{service_account,
                    opaque,
                    elsewhere,
                    others,
                    token_secret("third"),
                    token_secret("second"),
                    token_secret("labelled", R"({"cattle.io/service-account.name":"cattle"})"),
                    token_secret("referred")};
    std::vector<std::string> found;
    for (const auto& secret : parse_tokens(list, "cattle-system", "cattle", redactor)) {
      found.push_back(secret.name);
    }
    return found;
  };
  CHECK(names(account) == std::vector<std::string>{"labelled", "second", "third", "referred"});
  account.as_object()["metadata"].as_object()["annotations"] =
      json::parse(R"({"rancher.io/service-account.secret-ref":"cattle-system/referred"})");
  CHECK(names(account) == std::vector<std::string>{"referred", "labelled", "second", "third"});
}

TEST_CASE("a secret whose token is no JWT holds none, and hides no word") {
  Redactor redactor;
  const std::string word = "serviceaccount/cattle";
  auto made = token_secret("cattle-token-x7k2p");
  made.as_object()["data"].as_object()["token"] = base64_encode(word);
  const auto parsed = parse_token_secret(made, "cattle", redactor);
  REQUIRE(parsed);
  CHECK_FALSE(parsed->complete());
  CHECK(parsed->lack().find("no JWT") != std::string::npos);
  auto credentials = json::parse(R"({"kind":"Secret","metadata":{"name":"cattle-credentials-1"}})");
  credentials.as_object()["data"] = json::object{{"token", base64_encode("retrust-run-folder")}};
  json::object list;
  list["items"] = json::array{made, credentials};
  const auto found = parse_downstream(list, "cattle-system", redactor).agent_credentials;
  REQUIRE(found.size() == 1);
  CHECK(found.front().token.empty());
  auto resource = cluster("c-aaaaa", "production");
  resource.as_object()["status"] = json::object{{"serviceAccountToken", "repair-impersonation"}};
  CHECK(parse_cluster(resource, redactor).stored.token.empty());
  const auto line = word + " retrust-run-folder repair-impersonation";
  CHECK(redactor.mask(line) == line);
}

TEST_CASE("Rancher's server by either name, and its version by value or default") {
  const auto list = [](const std::string& name, const std::string& value) {
    return json::parse(R"({"items":[{"kind":"Setting","metadata":{"name":"server-version"},"value":
        ")" + value + R"(","default":"v2.4.17"},{"kind":"Deployment","metadata":{"name":")" +
                       name + R"(","namespace":"cattle-system"}},{"kind":"Pod","metadata":{"name":
        "p","labels":{"app":")" +
                       name + R"("}}}]})");
  };
  CHECK(parse_rancher(list("rancher", "")).version == Version{2, 4, 17});
  CHECK(parse_rancher(list("rancher", "v2.1.14")).version == Version{2, 1, 14});
  CHECK(parse_rancher(list("cattle", "")).deployment == "cattle");
  CHECK(parse_rancher(list("cattle", "")).pods.size() == 1);
  CHECK(parse_rancher(list("webhook", "")).deployment.empty());
  CHECK_FALSE(parse_rancher(list("rancher", "dev")).version);
}

}  // namespace
}  // namespace retrust
