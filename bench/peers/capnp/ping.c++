// SPDX-License-Identifier: Apache-2.0
// ping - measures Cap'n Proto between two processes over a unix socket: calls one after another, and 64 in
// flight. Prints one line of JSON for each.
// usage: ping SOCKET
#include "ping.capnp.h"

#include <capnp/ez-rpc.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Server final : public Root::Server {
    kj::Promise<void> ping(PingContext context) override
    {
        context.getResults().setI(context.getParams().getI());
        return kj::READY_NOW;
    }
};

double now()
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

pid_t serve(const std::string &address)
{
    int ready[2];
    char byte = 0;
    if (pipe(ready) != 0) {
        exit(1);
    }
    pid_t child = fork();
    if (child == 0) {
        capnp::EzRpcServer server(kj::heap<Server>(), address.c_str());
        server.getPort().wait(server.getWaitScope());
        if (write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        kj::NEVER_DONE.wait(server.getWaitScope());
    }
    if (read(ready[0], &byte, 1) != 1) {
        exit(1);
    }
    return child;
}

kj::Promise<void> loop(Root::Client root, unsigned &next, unsigned count)
{
    if (next >= count) {
        return kj::READY_NOW;
    }
    unsigned i = next++;
    auto request = root.pingRequest();
    request.setI(i);
    return request.send().then([root, &next, count, i](auto &&answer) mutable {
        if (answer.getI() != i) {
            exit(1);
        }
        return loop(root, next, count);
    });
}

void measure(Root::Client root, kj::WaitScope &scope, unsigned count, int inFlight, const char *what)
{
    unsigned next = 0;
    double begin = now();
    kj::Vector<kj::Promise<void>> loops;
    for (int i = 0; i < inFlight; i++) {
        loops.add(loop(root, next, count));
    }
    kj::joinPromises(loops.releaseAsArray()).wait(scope);
    double seconds = now() - begin;
    if (what != nullptr) {
        std::printf("{\"name\":\"Cap'n Proto C++ W2 ping, %s\",\"n\":%u,\"in_flight\":%d,\"seconds\":%.4f,\"rate\":%.1f}\n",
                    what, count, inFlight, seconds, count / seconds);
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    std::string address = std::string("unix:") + argv[1];
    pid_t child = serve(address);
    {
        capnp::EzRpcClient client(address.c_str());
        auto &scope = client.getWaitScope();
        Root::Client root = client.getMain<Root>();
        measure(root, scope, 5000, 1, nullptr);
        measure(root, scope, 100000, 1, "sequential");
        measure(root, scope, 200000, 64, "64 in flight");
    }
    kill(child, SIGTERM);
    waitpid(child, nullptr, 0);
    return 0;
}
