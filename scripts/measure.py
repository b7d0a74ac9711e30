#!/usr/bin/env python3
"""Footprint of one idle node: two starts to RPC, memory, processor, block interval, import to finality.

usage: scripts/measure.py NODE [--target MS] [--seconds N] [-- further options of the node]

NODE is the program `elapse-node`. A chain of one member with its own software TPM is made in a temporary folder. The
software TPM is counted apart. Heights are polled every 20 ms over HTTP, so intervals are exact to about that.
Needs nothing but Python 3 and Linux.
"""
import argparse, json, os, signal, socket, statistics, subprocess, sys, tempfile, time, urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def call(port, method, *params):
    body = json.dumps({"id": 1, "jsonrpc": "2.0", "method": method, "params": list(params)}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["result"]


def resident(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        rows = dict(line.split()[:2] for line in f if line.startswith(("Rss:", "Pss:")))
    return int(rows["Rss:"]) / 1024


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def chips(base):
    """Process ids of the software TPMs whose state is below `base`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline") as f:
                line = f.read()
        except OSError:
            continue
        if line.startswith("swtpm") or "/swtpm" in line.split("\0")[0]:
            if base in line:
                found.append(int(pid))
    return found


def start(command, port, log):
    """Starts the node; returns it, and after how many seconds it answered."""
    begun = time.monotonic()
    node = subprocess.Popen(command, stdout=log, stderr=log)
    while True:
        if node.poll() is not None or time.monotonic() - begun > 120:
            node.kill()
            sys.exit(f"the node did not come up:\n{open(log.name).read()[-2000:]}")
        try:
            call(port, "system_health")
            return node, time.monotonic() - begun
        except OSError:
            time.sleep(0.01)


def stop(node):
    node.send_signal(signal.SIGINT)
    try:
        node.wait(20)
    except subprocess.TimeoutExpired:
        node.kill()
        node.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("node")
    parser.add_argument("--target", type=int, default=6000, help="block interval aimed at, milliseconds")
    parser.add_argument("--seconds", type=int, default=120, help="how long to measure, after 20 s to settle")
    args, options = parser.parse_known_args()
    options = [option for option in options if option != "--"]

    with tempfile.TemporaryDirectory(prefix="elapse-measure-") as base:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([args.node, "tpm", "provision", "--base-path", base], check=True, **quiet)
        spec = os.path.join(base, "spec.json")
        with open(spec, "w") as f:
            member = os.path.join(base, "member.json")
            command = [args.node, "build-spec", "--raw", "--member", member, "--target", str(args.target)]
            subprocess.run(command, check=True, stdout=f, stderr=subprocess.DEVNULL)
        port = free_port()
        command = [args.node, "--chain", spec, "--base-path", base, "--validator", "--force-authoring", "--no-prometheus",
                   "--no-mdns", "--no-telemetry", "--rpc-port", str(port), "--port", str(free_port()), *options]
        log = open(os.path.join(base, "log"), "w")
        node, first = start(command, port, log)
        try:
            # A second start finds the chain, and the runtime compiled.
            stop(node)
            node, second = start(command, port, log)
            time.sleep(20)
            swtpm = chips(base)
            cpu, chip_cpu, started = cpu_seconds(node.pid), sum(map(cpu_seconds, swtpm)), time.monotonic()
            imported, final, memory = {}, {}, []
            while time.monotonic() - started < args.seconds:
                now = time.monotonic()
                best = int(call(port, "chain_getHeader")["number"], 16)
                last = int(call(port, "chain_getHeader", call(port, "chain_getFinalizedHead"))["number"], 16)
                for height in range(max(imported, default=best) , best + 1):
                    imported.setdefault(height, now)
                for height in range(max(final, default=last), last + 1):
                    final.setdefault(height, now)
                memory.append(resident(node.pid))
                time.sleep(0.02)
            took = time.monotonic() - started
            # What polling itself costs is measured once more without it.
            idle_cpu, idle_started = cpu_seconds(node.pid), time.monotonic()
            chip_idle = sum(map(cpu_seconds, swtpm))
            time.sleep(min(60, args.seconds))
            idle = (cpu_seconds(node.pid) - idle_cpu) / (time.monotonic() - idle_started)
            chip_share = (sum(map(cpu_seconds, swtpm)) - chip_idle) / (time.monotonic() - idle_started)
            lag = [final[h] - imported[h] for h in final if h in imported and h > min(imported)]
            rows = [
                ("first start to RPC", f"{first:.2f} s"),
                ("second start to RPC", f"{second:.2f} s"),
                ("resident, median", f"{statistics.median(memory):.0f} MB"),
                ("resident, highest", f"{max(memory):.0f} MB"),
                ("software TPM, resident", f"{sum(map(resident, swtpm)):.0f} MB"),
                ("processor, idle", f"{idle:.2%} of a core"),
                ("software TPM, processor", f"{chip_share:.2%} of a core"),
                ("blocks", f"{len(imported) - 1} in {took:.0f} s, one every {took / max(1, len(imported) - 1):.2f} s"),
                ("import to finality, median", f"{statistics.median(lag):.2f} s" if lag else "nothing finalised"),
                ("the same, in T", f"{statistics.median(lag) * 1000 / args.target:.2f}" if lag else "-"),
            ]
            for name, value in rows:
                print(f"{name:<30}{value}")
        finally:
            stop(node)


main()
