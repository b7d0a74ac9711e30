#!/usr/bin/env node
// Decodes a block that holds a call without a fee, with the two stock client libraries: @polkadot/api and PAPI.
//
//   elapse-node --dev --rpc-port 19944
//   npm ci && node decode.mjs [ws://127.0.0.1:19944]
//
// Such calls (`attestation.attest`, `admission.sit` and the like) are general transactions: version 5, no signer, the
// extension `AuthorizeCall` in front. Exit status 0 if both libraries find one and agree on what it calls.

import WebSocket from 'ws';
import { ApiPromise, WsProvider } from '@polkadot/api';
import { getExtrinsicDecoder } from '@polkadot-api/tx-utils';
import { createClient } from 'polkadot-api';

// For PAPI, on versions of node without one.
globalThis.WebSocket ??= WebSocket;
const { getWsProvider } = await import('polkadot-api/ws');

const FEELESS = new Set(['attestation', 'admission']);
const url = process.argv[2] ?? 'ws://127.0.0.1:19944';
const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true });
const client = createClient(getWsProvider(url));
const { hash } = await client.getFinalizedBlock();
const decode = getExtrinsicDecoder(await client.getMetadata(hash));

const lower = (name) => name.charAt(0).toLowerCase() + name.slice(1);
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
let status = 1;
console.log('waiting for a block that holds one; a member is drawn once in ten minutes at most');
await new Promise((done) => {
  let next = 1;
  const look = async (header) => {
    for (const last = header.number.toNumber(); next <= last; next += 1) {
      const number = next;
      const hash = await api.rpc.chain.getBlockHash(number);
      const { block } = await api.rpc.chain.getBlock(hash);
      // As the node sent them: @polkadot/api reads such a transaction, and does not write it as it read it.
      const { block: raw } = await api.rpc.chain.getBlock.raw(hash);
      for (const [index, extrinsic] of block.extrinsics.entries()) {
        if (!FEELESS.has(extrinsic.method.section) || extrinsic.isSigned) continue;
        const { type, version, call } = decode(raw.extrinsics[index]);
        const theirs = `${lower(call.type)}.${call.value.type}`;
        const ours = `${extrinsic.method.section}.${snake(extrinsic.method.method)}`;
        console.log(`#${number}  @polkadot/api: ${ours}   PAPI: ${theirs}, ${type}, version ${version}`);
        status = theirs === ours && type === 'general' ? 0 : 1;
        return done();
      }
    }
  };
  let last = Promise.resolve();
  api.rpc.chain.subscribeFinalizedHeads((header) => { last = last.then(() => look(header)).catch((error) => { console.error(error); done(); }); });
});
process.exit(status);
