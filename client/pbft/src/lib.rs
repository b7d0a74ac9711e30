//! Weighted PBFT: a committee judges an applicant and agrees on one verdict.
//!
//! A [`Round`] is one instance of the protocol at one member: a state machine without I/O, clocks or randomness. Its
//! caller hands in what arrives, what the member itself judges and which timers ran out, and does what comes out
//! ([`Output`]).
//!
//! Promised, as long as members with less than a third of the votes are Byzantine:
//! * **Agreement**: no two honest members decide different values, whatever the network does.
//! * **Validity**: an honest member judged the decided value, when it prepared it.
//! * **Termination**: once messages arrive in bounded time and honest members judge alike, all honest members decide.
//!   This needs honest members with a quorum: seats that nobody took can take it away, but never agreement.
//!
//! Fractions are of the [total](Committee::total): the votes that were expected, or those of all members should that be
//! more.
//!
//! # PBFT, by its names
//!
//! | PBFT | here |
//! |---|---|
//! | view, primary | view, leader: `order[view % members]` |
//! | pre-prepare | [`Message::Propose`] |
//! | prepare, commit | [`Message::Prepare`], [`Message::Commit`] with a value |
//! | prepared certificate, committed certificate | [`Quorum`] of prepares, of commits |
//! | view-change | prepare and commit of nil (`None`), by timers |
//! | new-view with its proofs | `proven` in [`Message::Propose`], with the [`Quorum`] relayed |
//!
//! View changes are those of Tendermint: no message is larger than a vote, except for relayed quorums, which are sent
//! only when somebody may need them.
//!
//! # Rules
//!
//! A member is in one view and one phase of it. It says one thing in each phase of a view. It remembers its *lock* (the
//! last quorum of prepares on which it committed) and the last quorum of prepares that it saw, which may be later.
//!
//! 1. *propose*: upon entering a view that it leads, the leader proposes the value of the last quorum of prepares that
//!    it saw, with the view of that quorum (`proven`), and relays the quorum. If it saw none it proposes what it judges,
//!    as soon as it judges.
//! 2. *prepare*: upon a proposal x of its view's leader, a member prepares x if both hold:
//!    - *wanted*: x is what it judges now; or it is locked on x; or it saw the quorum of prepares for x that the leader
//!      tells of.
//!    - *free*: it has no lock; or it is locked on x; or it saw the quorum of prepares for x that the leader tells of,
//!      and that is of the lock's view or a later one.
//!
//!    Otherwise it waits: its judgement may come or turn, or the quorum arrive.
//! 3. *give up proposing*: upon the timer of the proposal, a member that did not prepare prepares nil.
//! 4. *lock*: upon a quorum of prepare(v, x) in view v, a member that did not commit in v locks (v, x), prepares x if it
//!    prepared nothing in v, and commits x. What it judges itself does not matter.
//! 5. *give up preparing*: upon a quorum of prepare(v, nil), or the timer that starts when a quorum prepared different
//!    things, a member that did not commit in v commits nil.
//! 6. *next view*: upon a quorum of commit(v, nil), or the timer that starts when a quorum committed different things,
//!    view v + 1 begins.
//! 7. *follow*: upon any messages of higher views from members with more than a third of the votes, a member enters the
//!    highest view that all of them reached or passed.
//! 8. *leave nothing unsaid*: whoever enters view v says nil in the phases of view v - 1 in which it said nothing.
//! 9. *decide*: upon a quorum of commit(v, x), for any v, x is decided. This is the end: nothing else is said.
//! 10. *first counts*: of two different messages of one member, view and phase, the first counts, and the two are put
//!     out as an equivocation. In a relayed quorum a vote counts as part of that quorum all the same.
//! 11. *again*: from time to time a member sends again what it said in the last two views and at its lock, and relays
//!     its last quorum of prepares; after the decision, the quorum of commits.
//! 12. *remember*: what a member says is on its disk before it is sent.
//!
//! # Why no two values are decided
//!
//! Two quorums have more than a third of the votes in common, and so an honest member. Let v be the lowest view with a
//! quorum of commits for a value, x. Honest members L with more than a third of the votes are in it. Each saw a quorum
//! of prepares for x in v, and locked (v, x). *There is no quorum of prepares for another value y in v or later:*
//! * In v: it would have an honest member in common with that for x, who prepared once.
//! * In w > v, if there is none from v to w - 1: locks come from quorums of prepares, so each of L is locked on x in w.
//!   None of them prepares y by rule 2, for the quorum that would free it does not exist. By rule 4 one might, but only
//!   after the quorum is there. What remains without L is less than two thirds.
//!
//! An honest member commits only what a quorum prepared, so there is no quorum of commits for y in w either. *Remember*
//! keeps all this true over crashes: a member without its lock is as good as a Byzantine one.
//!
//! # Why it ends
//!
//! Let m be the highest view of an honest member. The first one came to m because a quorum committed in m - 1, of which
//! honest members with more than a third of the votes keep sending what they said there (*again*): *follow* brings all
//! others to m - 1. There all honest members have spoken, or speak when a timer runs out, or spoke when they left
//! (*leave nothing unsaid*; without it a member that skipped m - 1 could be missing there for ever). They are a quorum,
//! so timers start, and all come to m. Timers grow with the view until they are longer than messages take. Quorums of
//! prepares are relayed, so at last all know the highest one, (v, x), and no lock is later. When an honest leader who
//! knows it proposes x, all prepare it: with *wanted* whatever they judge, with *free* whatever they are locked on. If
//! there is no quorum, there is no lock, and all prepare what the leader and they themselves judge.
//!
//! That a proven value is prepared even by who judges otherwise is what makes changing judgements safe to wait for. Say
//! some are locked on x, and then all come to judge y. x may be decided somewhere, so y must not be; and if nobody
//! prepared x any more, nothing ever would be. x was judged by honest members with more than a third of the votes when
//! it got its quorum: a verdict of that time.
//!
//! # Attacks
//!
//! | attack | what stops it |
//! |---|---|
//! | a leader proposes different values to different members | one quorum of prepares a view; the view fails otherwise |
//! | a member votes for two values | *first counts*; quorums overlap in honest members |
//! | a leader invents a quorum in `proven` | *free* asks for the quorum itself |
//! | a leader proposes nothing, or nonsense | *give up proposing*; the next leader is another |
//! | votes are shown to one member only, who then is locked alone | its quorum is relayed, as one piece, also by itself |
//! | one is shown a quorum before it prepares, so that others wait for its prepare | it prepares when it locks |
//! | members claim to be in a high view | *follow* needs an honest member among them |
//! | messages of endless views and values | eight views are kept for each member and kind of statement |
//! | a nil commit after a commit to x, again and again, to push it out | commits to values are bounded apart |
//! | relayed quorums of strangers, or of too few | [`Round::wants`] says so before any seal is verified |
//! | a member is crashed to make it vote again | *remember* |
//!
//! # For callers
//!
//! * Authenticate: see [`Round`]. A signed message must name this round, else votes of another application would count.
//! * **Sign the verdict only after [`Output::Decided`].** A certificate for outsiders must be made of signatures over
//!   the decided value, given after the decision. It must not be made of commits: members learn the decision from
//!   commits of different views, and commits of different views do not prove anything together. Somebody could commit
//!   to x in view 1 and, rightly, to y in view 5, when x was not decided. A signature given after the decision is given
//!   for one value only, in whatever view its signer saw it decided.
//! * Keep the round, and [`Round::retransmit`], until everybody knows the outcome in another way, as from the chain.
//! * Make timers longer from view to view, with an upper bound that is beyond any delay to expect.
//!
//! With exactly a third Byzantine there are still never two values, but there may be none. With more, two can be
//! decided. The example `simulate` shows both.

#![forbid(unsafe_code)]

mod committee;
mod memory;
mod message;
mod round;
mod status;
mod votes;

pub use committee::{Committee, CommitteeError};
pub use memory::Memory;
pub use message::{Message, Output, Phase, Quorum, Timeout};
pub use round::Round;
pub use status::Status;
