#!/usr/bin/env node
// Measures how many transfers a second a chain includes, over the stock @polkadot/api.
//
//   npm ci && node transfers.mjs [--url ws://127.0.0.1:9944] [--count 20000]
//
// Alice funds the senders and as many receivers by utility.batch. All transfers are signed before the clock starts, so
// signing takes nothing from the node. They are then handed in so that about --ahead of them are in the node's pool:
// more than a block takes, and less than the pool's limit. What counts is read from the finalised chain afterwards:
//
//   included       our transfers in finalised blocks, found by their bytes
//   lost           accepted by the node, and not in the chain half a minute after the last that was
//   seconds        from the timestamp of the block before the first with a transfer to that of the last with one
//   tps            included / seconds
//   full blocks    blocks with at least 90 % of the biggest one's transfers
//   interval       mean distance of these blocks' timestamps
//   weight, length the fullest block's share of what the runtime grants ordinary transactions
//   arrived        what all receivers got, in transfers: one that was included but failed is missing there
//
// With --prefill every sender's first transfer is handed in last: the others wait in the pool for it, which must have room
// for them (--pool-limit of the node: a tenth of it is for such). Then the client takes nothing from the node meanwhile.
//
// With several --url, senders are spread over these nodes; blocks are read from the first.

import { parseArgs } from 'node:util';
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api';

const OPTIONS = {
  url: { type: 'string', multiple: true, default: ['ws://127.0.0.1:9944'], about: 'a node, several times for several' },
  count: { type: 'string', default: '20000', about: 'transfers' },
  senders: { type: 'string', default: '200', about: 'accounts that send them' },
  ahead: { type: 'string', default: '6000', about: 'transfers in the pool at a time' },
  prefill: { type: 'boolean', default: false, about: 'all are in the pool before the first can be included' },
  tag: { type: 'string', default: String(Date.now()), about: 'names the accounts; a new one for every run' },
  help: { type: 'boolean', short: 'h', default: false, about: 'this' },
};

const { values } = parseArgs({ options: OPTIONS });
if (values.help) {
  console.log('Measures how many transfers a second a chain includes.\n\nusage: node transfers.mjs [options]\n');
  for (const [name, { about, default: usual }] of Object.entries(OPTIONS)) {
    console.log(`  --${name.padEnd(8)} ${about} (${usual})`);
  }
  console.log('\nThe head of this file says what is counted and how.');
  process.exit(0);
}
const [count, senders] = [values.count, values.senders].map(Number);
const ahead = values.prefill ? count : Number(values.ahead);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const say = (text) => console.error(text);

const nodes = values.url.map((url) => new WsProvider(url));
const api = await ApiPromise.create({ provider: nodes[0], noInitWarn: true });
await Promise.all(nodes.map((node) => node.isReady));
// Blocks of thousands of transfers are looked at as bytes: decoding them would take the processor from the node.
const raw = (node, method, ...params) => nodes[node].send(method, params);

// --- accounts and money ---

const ring = new Keyring({ type: 'sr25519' });
const alice = ring.addFromUri('//Alice');
const person = (role, i) => ring.addFromUri(`//transfers/${values.tag}/${role}/${i}`);
const people = (role) => Array.from({ length: senders }, (_, i) => person(role, i));
const [from, to] = [people('from'), people('to')];
const each = Math.ceil(count / senders);
const amount = api.consts.balances.existentialDeposit.toBigInt();

async function fund() {
  const sample = await api.tx.balances.transferKeepAlive(alice.address, amount).paymentInfo(alice);
  // Fees rise while blocks are full: ten times today's is enough for any run of this length.
  const need = BigInt(each) * (amount + 10n * sample.partialFee.toBigInt()) + 10n * amount;
  const gifts = [...from.map((pair) => [pair, need]), ...to.map((pair) => [pair, amount])];
  for (let i = 0; i < gifts.length; i += 200) {
    const calls = gifts.slice(i, i + 200).map(([pair, gift]) => api.tx.balances.transferKeepAlive(pair.address, gift));
    await new Promise((done, failed) => {
      api.tx.utility.batchAll(calls).signAndSend(alice, { nonce: -1 }, ({ status, dispatchError }) => {
        if (dispatchError) failed(new Error(`Alice could not fund the senders: ${dispatchError}`));
        else if (status.isFinalized) done();
      }).catch(failed);
    });
  }
}

async function received() {
  const accounts = await api.query.system.account.multi(to.map((pair) => pair.address));
  return accounts.reduce((sum, account) => sum + account.data.free.toBigInt(), 0n);
}

say(`funding ${senders} senders`);
await fund();
const before = await received();

// --- signing ---

say(`signing ${count} transfers`);
const signingBegan = Date.now();
const transfers = [];
for (let nonce = 0; nonce < each; nonce++) {
  for (let i = 0; i < senders && transfers.length < count; i++) {
    const signed = api.tx.balances.transferKeepAlive(to[i].address, amount).sign(from[i], {
      blockHash: api.genesisHash, era: 0, genesisHash: api.genesisHash, nonce, runtimeVersion: api.runtimeVersion,
    });
    transfers.push({ bytes: signed.toHex(), node: i % nodes.length, nonce });
  }
  // The connections must answer their nodes' pings meanwhile.
  await new Promise(setImmediate);
}
const signing = (Date.now() - signingBegan) / 1000;

// --- handing in ---

if (values.prefill) transfers.sort((a, b) => (a.nonce === 0) - (b.nonce === 0));

const ours = new Set(transfers.map(({ bytes }) => bytes));
// Nodes give extrinsics as hexadecimal strings, or as arrays of numbers.
const hex = (bytes) => (typeof bytes === 'string' ? bytes : `0x${Buffer.from(bytes).toString('hex')}`);
const seen = new Set();
const oursIn = new Map(); // block hash -> how many of our transfers

async function look(hash) {
  if (oursIn.has(hash)) return;
  oursIn.set(hash, 0);
  const { block } = await raw(0, 'chain_getBlock', hash);
  const found = block.extrinsics.map(hex).filter((bytes) => ours.has(bytes));
  oursIn.set(hash, found.length);
  found.forEach((bytes) => seen.add(bytes));
}

let best;
const unsubscribe = await api.rpc.chain.subscribeNewHeads(({ hash }) => {
  best = hash.toHex();
  look(best).catch((error) => say(`a block could not be read: ${error.message}`));
});

say('handing them in');
const start = (await api.rpc.chain.getHeader()).number.toNumber();
const began = Date.now();
let [submitted, refused, why] = [0, 0, undefined];
// Nothing for half a minute: what is missing by then was accepted and dropped again.
let [last, moved] = [0, Date.now()];
const stands = () => {
  if (seen.size !== last || (values.prefill && submitted < count)) [last, moved] = [seen.size, Date.now()];
  return Date.now() - moved > 30_000;
};
while (submitted < count && !stands()) {
  const room = ahead - (submitted - refused - seen.size);
  if (room <= 0) {
    await sleep(20);
    continue;
  }
  const some = transfers.slice(submitted, submitted + Math.min(room, 200));
  submitted += some.length;
  await Promise.all(some.map(({ bytes, node }) => raw(node, 'author_submitExtrinsic', bytes).catch((error) => {
    refused += 1;
    why ??= error.message;
  })));
}
const handing = (Date.now() - began) / 1000;
while (seen.size < submitted - refused && !stands()) await sleep(100);
unsubscribe();

// --- what the finalised chain has ---

const end = (await api.rpc.chain.getHeader()).number.toNumber();
say(`waiting for #${end} to be final`);
for (const until = Date.now() + 120_000; Date.now() < until; await sleep(200)) {
  const header = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
  if (header.number.toNumber() >= end) break;
}
const limits = api.consts.system;
const blocks = [];
for (let number = start; number <= end; number++) {
  const hash = await raw(0, 'chain_getBlockHash', number);
  const { block } = await raw(0, 'chain_getBlock', hash);
  const extrinsics = block.extrinsics.map(hex);
  const [stamp, weight] = await Promise.all([
    api.query.timestamp.now.at(hash),
    api.query.system.blockWeight.at(hash),
  ]);
  blocks.push({
    transfers: extrinsics.filter((bytes) => ours.has(bytes)).length,
    time: stamp.toNumber(),
    weight: weight.normal.refTime.toNumber() / limits.blockWeights.perClass.normal.maxTotal.unwrap().refTime.toNumber(),
    length: extrinsics.reduce((sum, bytes) => sum + bytes.length / 2 - 1, 0) / limits.blockLength.max.normal.toNumber(),
  });
}
const first = blocks.findIndex((block) => block.transfers > 0);
const final = blocks.findLastIndex((block) => block.transfers > 0);
if (first < 1) throw new Error(`no transfer was included${why ? `: ${why}` : ''}`);
const used = blocks.slice(first, final + 1);
const biggest = Math.max(...used.map((block) => block.transfers));
const full = used.filter((block) => block.transfers >= 0.9 * biggest);
const included = used.reduce((sum, block) => sum + block.transfers, 0);
const seconds = (blocks[final].time - blocks[first - 1].time) / 1000;
const mean = (sum, n) => Math.round((sum / n) * 10) / 10;
const percent = (values) => `${(100 * Math.max(...values)).toFixed(1)} %`;

const result = {
  total: submitted,
  refused,
  lost: submitted - refused - included,
  included,
  arrived: Number(((await received()) - before) / amount),
  seconds,
  tps: mean(included, seconds),
  blocks: used.length,
  biggest,
  fullBlocks: full.length,
  meanOfFull: mean(full.reduce((sum, block) => sum + block.transfers, 0), full.length),
  intervalMs: mean(blocks[final].time - blocks[first - 1].time, used.length),
  weight: percent(used.map((block) => block.weight)),
  length: percent(used.map((block) => block.length)),
  signedPerSecond: mean(count, signing),
  handedInPerSecond: mean(submitted, handing),
};
if (why) result.firstRefusal = why;
console.log(JSON.stringify(result));
const rows = Object.entries(result).map(([name, value]) => `| ${name} | ${value} |`);
console.log(`\n| | |\n|---|---|\n${rows.join('\n')}`);
console.log(`\ntransfers by block: ${used.map((block) => block.transfers).join(' ')}`);
process.exit(0);
