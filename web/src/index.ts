/**
 * Checks what Elapse says against the Elastos Smart Chain alone.
 *
 * @module
 */

export { Malformed, type ScoreAnswer, readAnswer } from './answer.js';
export type { Hex } from './bytes.js';
export type { Landed } from './contracts.js';
export { type EscAnswer, type EscBlock, type EscOptions, type EscReader, escReader } from './esc.js';
export { type ProvenScore, askScore, provenScore } from './gateway.js';
export { DEPTH, type ScoreLeaf, leafHash, refusedBy, rootOf } from './proof.js';
export type { HttpOptions } from './rpc.js';
export { fromSs58, nodeOf, toSs58 } from './ss58.js';
export { Trouble, type TroubleKind } from './trouble.js';
export {
	type Against,
	ESC_CHAIN_ID,
	MAX_AGE_SECONDS,
	MAX_LAG_SECONDS,
	type Refused,
	type Rule,
	type Valid,
	type Verdict,
	type VerifyScore,
	verifyScore,
} from './verify.js';
