#!/usr/bin/python3
"""Does a real network do what the theory says? Wins, waits, stale blocks, finality, block interval.

`elapse-network` runs nodes of unequal weight on this machine, each with its own software TPM; all are watched over
WebSocket by this one process. What is seen goes to a folder as it comes (run.json, blocks.csv, events.csv, and the
nodes' log, network.log); tables and figures are made from that folder alone, now or later:

  scripts/network-statistics.py PATH/elapse-network --target 1000 --blocks 1300 --out runs/a
  scripts/network-statistics.py --analyse runs/a runs/b --figures docs/figures

`elapse-network` starts the `elapse-node` beside it, or the one named in ELAPSE_NODE. Chips and keys are fresh in every
run, so no two runs draw the same waits; the genesis hash names a run. Ctrl-C ends the network; what there is by then is
still analysed. Options for every node may follow after `--`. Needs Debian's Python and
apt-get install python3-scipy python3-matplotlib python3-websockets

What is counted, and how it stands to theory
  wins      Finalised blocks by author, against weights (chi-squared); and all blocks sealed, stale ones included.
  waits     x = (d - m) W / M of finalised blocks, d and M (the local mean) as claimed in them, W the sum of weights. A
            member's d - m is exponential with mean M / w, so the least of all with mean M / W, and x with mean 1
            (Kolmogorov-Smirnov). Theory knows no whole milliseconds and no ties that fall to the smaller wait. The same
            for every draw of every node, (d - m) w / M, from the logs, where it stands to 10 ms.
  stale     Heights at which more than one block was sealed, of all heights: 1 - exp(-Delta / tau (1 - sum p^2)), with
            tau = T - m - overhead and p the shares of weight. A node seals unless another's block is its best when it
            looks for the last time, just before it signs. So Delta runs from that look of the author's to import by the
            other node: signature, checks, record on disk, own import, propagation, the other's import.
            The look is taken to be at the later of the block's timestamp (no block is released before) and of A2. A2 is
            in the chip's time, mapped to the machine's by the median of (timestamp - A2) over that author's
            neighbouring blocks. Import is when the node's log says so, to the millisecond; notifications come later.
            The risk is linear in Delta, so its mean counts; author i and other node j weigh p_i p_j.
            Check: whoever sealed second must have looked before the first block was imported there.
  finality  From notification of a block to that of its finality, at the same node; all nodes.
  interval  Of the timestamps of finalised blocks.
"""
import argparse, asyncio, csv, datetime, hashlib, json, os, re, signal, socket
import statistics, struct, subprocess, sys, time
from collections import Counter, defaultdict
from math import exp, sqrt

try:
    import matplotlib
    import websockets
    from scipy.stats import binomtest, chisquare, kstest
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
except ImportError as error:
    sys.exit(f"{error.name} is missing: apt-get install python3-scipy python3-matplotlib python3-websockets")

FIELDS = ["hash", "number", "parent", "author", "timestamp", "mean", "weight", "rate", "wait", "start", "end"]
LOGGED = re.compile(r"node-(\d+) *\| (\S+ \S+) .* poet: "
                    r"(?:imported #\d+ 0x(\w{64})|waiting (\S+) s on #\d+ \(0x(\w{64}))")


# --- a header as the RPC gives it: its hash and its certificate (primitives/poet/src/digest.rs) ---

def compact(value):
    for size, mode in ((1, 0), (2, 1), (4, 2)):
        if value < 1 << (8 * size - 2):
            return (value << 2 | mode).to_bytes(size, "little")


def uncompact(data):
    """Bytes behind their length."""
    size = (1, 2, 4)[data[0] & 3]
    return data[size:size + (int.from_bytes(data[:size], "little") >> 2)]


def chip_time(attest):
    """`time` of a TPMS_ATTEST: behind the signer's name, the nonce, clock info and firmware version."""
    at = 6
    for _ in range(2):
        at += 2 + int.from_bytes(attest[at:at + 2], "big")
    return int.from_bytes(attest[at + 25:at + 33], "big")


def block(header):
    raw = lambda text: bytes.fromhex(text[2:])
    number, logs = int(header["number"], 16), [raw(item) for item in header["digest"]["logs"]]
    whole = [raw(header["parentHash"]), compact(number), raw(header["stateRoot"]), raw(header["extrinsicsRoot"])]
    whole = b"".join(whole + [compact(len(logs))] + logs)
    row = {"number": number, "parent": header["parentHash"][2:]}
    row["hash"] = hashlib.blake2b(whole, digest_size=32).hexdigest()
    for item in logs:
        if item[:5] == b"\x05poet":  # the seal: A2, signature
            row["end"] = chip_time(uncompact(uncompact(item[5:])))
        elif item[:5] == b"\x06poet":  # author, VRF, timestamp, claim (epoch, mean, weight, rate, wait), A1
            body = uncompact(item[5:])
            row["author"] = body[:32].hex()
            row["timestamp"], _, *claim = struct.unpack("<QQQQIQ", body[128:172])
            row["mean"], row["weight"], row["rate"], row["wait"] = claim
            row["start"] = chip_time(uncompact(body[172:]))
    return row


# --- a run ---

def public_key(address):
    """Of an SS58 address with a prefix of one byte."""
    number = 0
    for letter in address:
        number = number * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(letter)
    return number.to_bytes(35, "big")[1:33].hex()


class Done(Exception):
    """All blocks asked for are final."""


class Run:
    """Watches a network and writes down what it sees."""

    def __init__(self, args):
        self.args, self.nodes = args, range(len(args.weights))
        os.makedirs(args.out)
        self.files = [open(os.path.join(args.out, name), "w", newline="") for name in ("blocks.csv", "events.csv")]
        self.blocks, self.events = csv.DictWriter(self.files[0], FIELDS), csv.writer(self.files[1])
        self.blocks.writeheader()
        self.events.writerow(["time", "node", "event", "hash"])
        self.known, self.final = set(), [0 for _ in self.nodes]

    async def connect(self, node):
        """As soon as the node answers; and what it says of itself."""
        while True:
            try:
                url = f"ws://127.0.0.1:{self.args.rpc_port + node}"
                connection = await websockets.connect(url, max_size=None, ping_interval=None)
                break
            except OSError:
                await asyncio.sleep(0.2)

        async def ask(method, *params):
            await connection.send(json.dumps({"id": 1, "jsonrpc": "2.0", "method": method, "params": params}))
            return json.loads(await connection.recv())["result"]

        while not (lottery := await ask("poet_lottery"))["author"]:
            await asyncio.sleep(0.1)
        lottery.update(genesis=await ask("chain_getBlockHash", 0), version=await ask("system_version"))
        return connection, lottery

    async def watch(self, node, connection):
        methods, events = {"chain_subscribeAllHeads": "import", "chain_subscribeFinalizedHeads": "final"}, {}
        for method in methods:
            await connection.send(json.dumps({"id": method, "jsonrpc": "2.0", "method": method, "params": []}))
        async for text in connection:
            now, message = time.time(), json.loads(text)
            if "id" in message:
                events[message["result"]] = methods[message["id"]]
                continue
            event, row = events[message["params"]["subscription"]], block(message["params"]["result"])
            if row["number"] > 0:
                self.events.writerow([f"{now:.6f}", node, event, row["hash"]])
                if event == "final":
                    self.final[node] = row["number"]
                if row["hash"] not in self.known:
                    self.known.add(row["hash"])
                    self.blocks.writerow(row)
        raise RuntimeError(f"node {node + 1} closed its connection")

    async def progress(self, network):
        last, began = self.args.skip + self.args.blocks, time.monotonic()
        said = began
        while min(self.final) < last:
            await asyncio.sleep(0.25)
            if network.poll() is not None:
                raise RuntimeError("the network ended by itself, see network.log")
            if time.monotonic() - said >= 30:
                said += 30
                height, took = min(self.final), said - began
                print(f"{took:6.0f} s  finalised #{height} of {last}, {len(self.known)} blocks seen, "
                      f"{(last - height) * took / max(1, height) / 60:.1f} min left", flush=True)
        raise Done

    async def observe(self):
        connections = await asyncio.gather(*map(self.connect, self.nodes))
        about = [about for _, about in connections]
        run = {name: about[0][name] for name in ("genesis", "version", "parameters")}
        run.update(authors=[public_key(a["author"]) for a in about], weights=[a["weight"] for a in about],
                   first=self.args.skip + 1, blocks=self.args.blocks)
        with open(os.path.join(self.args.out, "run.json"), "w") as f:
            json.dump(run, f, indent=1)
        print(f"genesis {run['genesis']}", flush=True)
        await asyncio.gather(*(self.watch(node, connection) for node, (connection, _) in enumerate(connections)))

    async def go(self, network):
        # The first to fail ends all, and so does `Done`.
        await asyncio.gather(self.progress(network), self.observe())


def run(args):
    for port in [first + i for first in (args.rpc_port, args.port) for i in range(len(args.weights))]:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                sys.exit(f"port {port} is in use: choose others with --rpc-port and --port")
    watcher = Run(args)
    command = [args.network, str(len(args.weights)), "--weights", ",".join(args.weights)]
    command += ["--target-ms", str(args.target), "--rpc-port", str(args.rpc_port), "--port", str(args.port)]
    command += ["--", "-lpoet=debug", *args.options]
    with open(os.path.join(args.out, "network.log"), "w") as log:
        # A session of its own: Ctrl-C is for this script, which then ends the network.
        network = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            asyncio.run(watcher.go(network))
        except Done:
            pass
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        except (RuntimeError, OSError, websockets.WebSocketException) as error:
            print(f"stopped early: {error}", file=sys.stderr)
        finally:
            network.send_signal(signal.SIGINT)
            network.wait(60)
            for f in watcher.files:
                f.close()


# --- what it says ---

def read(folder):
    """run.json, blocks by hash; by node, in seconds: logged waits by parent and imports, told imports and finality."""
    if not os.path.exists(os.path.join(folder, "run.json")):
        sys.exit(f"{folder}: the nodes never answered, see network.log")
    with open(os.path.join(folder, "run.json")) as f:
        run = json.load(f)
    text = ("hash", "parent", "author")
    with open(os.path.join(folder, "blocks.csv"), newline="") as f:
        blocks = {row["hash"]: {k: v if k in text else int(v) for k, v in row.items()} for row in csv.DictReader(f)}
    waits, logged, told, final = ([{} for _ in run["authors"]] for _ in range(4))
    with open(os.path.join(folder, "network.log"), errors="replace") as f:
        for node, when, at, wait, parent in (match.groups() for match in map(LOGGED.match, f) if match):
            if at:
                logged[int(node) - 1].setdefault(at, datetime.datetime.fromisoformat(when).timestamp())
            else:
                waits[int(node) - 1][parent] = float(wait)
    with open(os.path.join(folder, "events.csv"), newline="") as f:
        for event in csv.DictReader(f):
            node, at, when = int(event["node"]), event["hash"], float(event["time"])
            if event["event"] == "import":
                told[node].setdefault(at, when)
            # Of blocks that become final at once only the last is told.
            while event["event"] == "final" and at in blocks and at not in final[node]:
                final[node][at] = when
                at = blocks[at]["parent"]
    return run, blocks, waits, logged, told, final


def last_looks(blocks, who):
    """When authors looked for the last time before they signed, in Unix milliseconds, by hash."""
    looks = {}
    for node in set(who.values()):
        own = sorted((b for b in blocks if who[b["author"]] == node), key=lambda b: b["end"])
        offsets = [b["timestamp"] - b["end"] for b in own]
        for i, b in enumerate(own):
            looks[b["hash"]] = max(b["timestamp"], b["end"] + statistics.median(offsets[max(0, i - 16):i + 17]))
    return looks


def analyse(folder):
    run, blocks, waits, logged, told, final = read(folder)
    first, nodes, p = run["first"], range(len(run["authors"])), run["parameters"]
    last = min(first + run["blocks"] - 1, *(max((blocks[h]["number"] for h in f), default=0) for f in final))
    if last < first + 10:
        sys.exit(f"{folder}: {max(0, last - first + 1)} blocks were finalised by all nodes, too few to say anything")
    canonical = sorted((blocks[h] for h in final[0] if first <= blocks[h]["number"] <= last), key=lambda b: b["number"])
    sealed = [b for b in blocks.values() if first <= b["number"] <= last]
    heights, total, tau = len(canonical), sum(run["weights"]), p["target"] - p["minimumWait"] - p["overhead"]
    who, share = {author: node for node, author in enumerate(run["authors"])}, [w / total for w in run["weights"]]
    r = {"run": run, "T": p["target"], "share": share, "heights": heights, "range": f"#{first} to #{last}"}

    for name, some in (("wins", canonical), ("seals", sealed)):
        count = Counter(who[b["author"]] for b in some)
        r[name] = [count[n] for n in nodes]
        r[name + "_test"] = chisquare(r[name], [s * len(some) for s in share])
    r["x"] = sorted((b["wait"] - p["minimumWait"]) * total / b["mean"] for b in canonical)
    drawn = [(b, [w.get(b["parent"], 0) * 1e3 for w in waits]) for b in canonical]
    drawn = [(b, times) for b, times in drawn if all(times)]
    r["all_x"] = [(times[n] - p["minimumWait"]) * run["weights"][n] / b["mean"] for b, times in drawn for n in nodes]
    r["least"] = f"{sum(times[who[b['author']]] == min(times) for b, times in drawn)} of {len(drawn)}"

    looks, delta = last_looks(sealed, who), defaultdict(list)
    r["own"], r["others"], at_height = [], [], defaultdict(list)
    for b in sealed:
        at_height[b["number"]].append(b)
        i, when = who[b["author"]], [log[b["hash"]] * 1e3 if b["hash"] in log else None for log in logged]
        there = [j for j in nodes if j != i and when[j]]
        if not when[i]:
            continue  # interrupted
        r["own"].append(when[i] - looks[b["hash"]])
        r["others"] += [when[j] - when[i] for j in there]
        for j in there:
            delta[i, j].append(when[j] - looks[b["hash"]])
    weight = {(i, j): share[i] * share[j] for i, j in delta}
    r["Delta"] = sum(w * statistics.fmean(delta[pair]) for pair, w in weight.items()) / sum(weight.values())
    r["deltas"] = sorted(value for values in delta.values() for value in values)
    r["exponent"] = r["Delta"] / tau * (1 - sum(s * s for s in share))
    r["theory"] = 1 - exp(-r["exponent"])
    contested = [sorted(some, key=lambda b: looks[b["hash"]]) for some in at_height.values() if len(some) > 1]
    r["stale"], r["contested"] = len(sealed) - heights, len(contested)
    came = lambda block, b: logged[who[b["author"]]].get(block["hash"], float("inf")) * 1e3
    r["early"] = sum(looks[b["hash"]] <= came(some[0], b) for some in contested for b in some[1:])
    test = binomtest(r["contested"], heights)
    r["ci"], r["stale_p"] = test.proportion_ci(0.95, "wilson"), binomtest(r["contested"], heights, r["theory"]).pvalue

    r["lag"] = sorted(final[n][h] - told[n][h] for h in (b["hash"] for b in canonical) for n in nodes if h in told[n])
    gaps = [b["timestamp"] - a["timestamp"] for a, b in zip(canonical, canonical[1:])]
    r["gap"], r["gap_error"] = statistics.fmean(gaps), 1.96 * statistics.stdev(gaps) / sqrt(len(gaps))
    return r


def quantile(values, q):
    return values[min(len(values) - 1, int(q * len(values)))]


def markdown(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in [rows[0], ["-" * w for w in widths], *rows[1:]]:
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |")
    print()


def tables(results):
    print()
    for r in results:
        print(f"T = {r['T']} ms: genesis {r['run']['genesis']}, node {r['run']['version']}, blocks {r['range']}")
    print()
    rows = [["member"] + [head for r in results for head in (f"wins, T = {r['T'] / 1e3:g} s", "share", "all sealed")]]
    for n, s in enumerate(results[0]["share"]):
        cells = [(str(r["wins"][n]), f"{r['wins'][n] / r['heights']:.1%}", str(r["seals"][n])) for r in results]
        rows.append([f"{n + 1}, weight {s:.0%}", *(cell for row in cells for cell in row)])
    test = lambda t: f"{t.statistic:.2f} (p = {t.pvalue:.2f})"
    tests = [(test(r["wins_test"]), "", test(r["seals_test"])) for r in results]
    rows.append([f"chi-squared, {len(rows) - 2} degrees of freedom", *(cell for row in tests for cell in row)])
    markdown(rows)

    waits = lambda x: f"{statistics.fmean(x):.3f} ± {1.96 / sqrt(len(x)):.3f}"
    fit = lambda x: "{0.statistic:.4f} (p = {0.pvalue:.3f})".format(kstest(x, "expon"))
    middle = lambda values: f"{statistics.median(values):.1f} / {statistics.fmean(values):.1f} ms"
    inside = lambda r: "inside" if r["ci"].low <= r["theory"] <= r["ci"].high else "OUTSIDE"
    lag = lambda r, q: f"{quantile(r['lag'], q):.2f} s, {quantile(r['lag'], q) * 1e3 / r['T']:.2f} T"
    lines = [
        ("", lambda r: f"T = {r['T'] / 1e3:g} s"),
        ("heights", lambda r: str(r["heights"])),
        ("winners' waits, (d - m) W / M: mean", lambda r: waits(r["x"])),
        ("the same, Kolmogorov-Smirnov", lambda r: fit(r["x"])),
        ("all nodes' draws, (d - m) w / M: mean", lambda r: waits(r["all_x"])),
        ("the same, Kolmogorov-Smirnov", lambda r: fit(r["all_x"])),
        ("blocks whose author drew the least", lambda r: r["least"]),
        ("last look to own import, median / mean", lambda r: middle(r["own"])),
        ("own import to another's, median / mean", lambda r: middle(r["others"])),
        ("Delta, median / mean", lambda r: middle(r["deltas"])),
        ("Delta, 99 %", lambda r: f"{quantile(r['deltas'], 0.99):.0f} ms"),
        ("Delta, mean by weights", lambda r: f"{r['Delta']:.1f} ms"),
        ("stale blocks", lambda r: str(r["stale"])),
        ("of them sealed before the first came", lambda r: str(r["early"])),
        ("contested heights", lambda r: f"{r['contested']}, {r['contested'] / r['heights']:.2%}"),
        ("95 % interval (Wilson)", lambda r: f"{r['ci'].low:.2%} to {r['ci'].high:.2%}"),
        ("theory", lambda r: f"{r['theory']:.2%}, {inside(r)} (p = {r['stale_p']:.2f})"),
        ("import to finality, median", lambda r: lag(r, 0.5)),
        ("import to finality, 95 %", lambda r: lag(r, 0.95)),
        ("block interval, mean and 95 % interval", lambda r: f"{r['gap']:.0f} ± {r['gap_error']:.0f} ms"),
    ]
    markdown([[name, *map(value, results)] for name, value in lines])


def figures(results, folder):
    """SVG files that differ only if what they show does."""
    os.makedirs(folder, exist_ok=True)
    plt.rcParams.update({"svg.hashsalt": "elapse", "svg.fonttype": "none", "font.size": 9, "figure.figsize": (5.2, 3.2),
                         "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})
    labels = [f"T = {r['T'] / 1e3:g} s, {r['heights']} blocks" for r in results]
    points = dict(fmt="o", markersize=4, capsize=3)
    spread = lambda rates, cis: [[v - ci.low for v, ci in zip(rates, cis)], [ci.high - v for v, ci in zip(rates, cis)]]

    def save(name, x, y):
        plt.xlabel(x)
        plt.ylabel(y)
        plt.legend()
        plt.tight_layout()
        plt.savefig(os.path.join(folder, name + ".svg"), metadata={"Date": None, "Creator": None})
        plt.close()

    members = range(len(results[0]["share"]))
    for k, r in enumerate(results):
        cis = [binomtest(wins, r["heights"]).proportion_ci(0.95, "wilson") for wins in r["wins"]]
        rates = [wins / r["heights"] for wins in r["wins"]]
        at = [n + 0.8 * (k + 0.5) / len(results) - 0.4 for n in members]
        plt.errorbar(at, rates, spread(rates, cis), label=labels[k], **points)
    plt.hlines(results[0]["share"], [n - 0.4 for n in members], [n + 0.4 for n in members], "black", label="weight")
    plt.xticks(members, [f"member {n + 1}" for n in members])
    plt.ylim(0)
    save("wins", "", "share of finalised blocks, 95 % interval")

    steps = [i / 200 for i in range(200)]
    for r, label in zip(results, labels):
        plt.plot([quantile(r["x"], q) for q in steps], [1 - q for q in steps], label=label)
    plt.plot([0, 5], [1, exp(-5)], "k:", label="exponential, mean 1")
    plt.yscale("log")
    save("waits", "winner's wait, (d - m) W / M", "share of blocks with a longer one")

    most = 1.2 * max(max(r["exponent"], r["ci"].high) for r in results)
    line = [most * i / 50 for i in range(51)]
    plt.plot(line, [1 - exp(-x) for x in line], "k:", label="1 - exp(-x)")
    for r, label in zip(results, labels):
        rate = r["contested"] / r["heights"]
        label += f", Delta = {r['Delta']:.0f} ms"
        plt.errorbar([r["exponent"]], [rate], spread([rate], [r["ci"]]), label=label, **points)
    save("stale", "x = Delta / tau (1 - sum p²)", "contested heights, 95 % interval")

    for r, label in zip(results, labels):
        plt.plot([quantile(r["lag"], q) * 1e3 / r["T"] for q in steps], steps, label=label)
    plt.axvline(1.7, color="black", linestyle=":", label="goal for the median")
    plt.xlim(0)
    save("finality", "import to finality, in T", "share of blocks")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="?", help="the program elapse-network")
    parser.add_argument("--weights", default="4,3,2,1", help="of the nodes; up to 10: proportions (%(default)s)")
    parser.add_argument("--target", type=int, default=2000, help="block interval T, milliseconds (%(default)s)")
    parser.add_argument("--blocks", type=int, default=1000, help="finalised blocks to look at (%(default)s)")
    parser.add_argument("--skip", type=int, default=10, help="blocks before, while nodes find each other (%(default)s)")
    parser.add_argument("--out", help="folder for what is seen; must not exist")
    parser.add_argument("--rpc-port", type=int, default=19944, help="first RPC port (%(default)s)")
    parser.add_argument("--port", type=int, default=31333, help="first network port (%(default)s)")
    parser.add_argument("--analyse", nargs="+", metavar="DIR", help="run nothing, analyse these")
    parser.add_argument("--figures", metavar="DIR", help="write wins.svg, waits.svg, stale.svg, finality.svg there")
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    args = parser.parse_args(sys.argv[1:split])
    args.options, args.weights = sys.argv[split + 1:], args.weights.split(",")
    if bool(args.network) == bool(args.analyse) or (args.network and not args.out):
        parser.error("give elapse-network and --out, or --analyse")
    if args.network:
        run(args)
    results = [analyse(folder) for folder in args.analyse or [args.out]]
    tables(results)
    if args.figures:
        figures(results, args.figures)


main()
