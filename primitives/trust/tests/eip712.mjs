// Vectors of EIP-712 by ethers: domain, digest and signature of a verdict.
//
//   npm ci && npm run eip712        (writes eip712.json, which eip712.rs reads)

import { TypedDataEncoder, Wallet, Signature, computeAddress } from 'ethers';
const types = { Verdict: [
  {name:'genesis',type:'bytes32'},{name:'round',type:'uint32'},{name:'subject',type:'bytes32'},{name:'evidence',type:'bytes32'},
  {name:'judgement',type:'uint8'},{name:'committee',type:'bytes32'},{name:'expected',type:'uint64'}]};
const b = (x)=>'0x'+x.repeat(32);
const rows=[];
for (const [chainId, contract, round, judgement, expected] of [[0,'0x'+'00'.repeat(20),0,0,1],[20,'0x'+'07'.repeat(20),5,0,40],[21,'0x52908400098527886E0F7030069857D2E4169EE7',4294967295,5,'18446744073709551615']]) {
  const domain={name:'Elapse',version:'1',chainId,verifyingContract:contract};
  const message={genesis:b('01'),round,subject:b('02'),evidence:b('03'),judgement,committee:b('04'),expected};
  const w=new Wallet('0x'+'11'.repeat(32));
  const sig=Signature.from(await w.signTypedData(domain,types,message));
  rows.push({chainId,contract:contract.toLowerCase(),round,judgement,expected:String(expected),type:TypedDataEncoder.from(types).encodeType('Verdict'),domain:TypedDataEncoder.hashDomain(domain),digest:TypedDataEncoder.hash(domain,types,message),signer:w.address.toLowerCase(),signature:sig.serialized});
}
console.log(JSON.stringify(rows,null,'\t'));
