//! `benchmark_user`: one user's metrics compared with those of their peers. Definitions D78 to D81.

use super::benchmark_users::COMPARED;
use super::peers::{METRICS, MIN_PEERS_ARGUMENT, PEERS_ARGUMENT, Peers, min_peers};
use crate::base::error::Result;
use crate::function::{Call, Function, NAME_ONE, NAMED_USER, Past, Reads, Requests, Rows};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "benchmark_user",
    path: "users::benchmark::benchmark_user",
    example: "",
    summary: "rows of benchmark_users for one user; reads the whole log, because the user is compared with all others",
    arguments: &[NAMED_USER, PEERS_ARGUMENT, MIN_PEERS_ARGUMENT],
    columns: &COMPARED,
    reads: Reads::Requests(&Requests {
        past: Past::All,
        columns: &["session_id", "feature", "latency_ms", "succeeded", "rating"],
        needed: &[],
        names: false,
    }),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 4,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let id = call.required("user_id", call.text("user_id"), NAME_ONE)?;
    let min_peers = min_peers(call)?;
    let (peers, metrics) = Peers::of(call, min_peers)?;
    let Some(user) = call.user_key(id).and_then(|key| peers.number(key)) else { return Ok(()) };
    METRICS.iter().zip(&metrics).try_for_each(|(metric, measured)| {
        let measured = measured[user].shown(call, min_peers);
        rows.row(&mut [
            peers.group(user).into(),
            (*metric).into(),
            measured.value.into(),
            measured.median.into(),
            measured.percentile.into(),
            measured.peers.into(),
        ])
    })
}
