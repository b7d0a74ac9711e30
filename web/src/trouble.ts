/**
 * Why there is no verdict. Who asked has not learned anything about the score.
 *
 * - *usage*: what was given to this library is not what it takes.
 * - *unreachable*: too few ESC endpoints answer.
 * - *contradiction*: endpoints contradict each other, or one contradicts itself or what is computed here.
 * - *chain*: an endpoint is of another chain, or the address is not that of the contract.
 * - *clock*: the newest block of ESC is too far from what the clock here says. The endpoint is behind, or the clock wrong.
 * - *gateway*: the Elapse node does not answer, or has no proof.
 */
export type TroubleKind = 'usage' | 'unreachable' | 'contradiction' | 'chain' | 'clock' | 'gateway';

/** No verdict. `kind` says whose fault it is. */
export class Trouble extends Error {
	readonly kind: TroubleKind;

	constructor(kind: TroubleKind, message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = 'Trouble';
		this.kind = kind;
	}
}
