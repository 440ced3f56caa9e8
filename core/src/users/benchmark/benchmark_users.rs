//! `benchmark_users`: every user's metrics compared with those of their peers. Definitions D78 to D81.

use super::peers::{METRICS, MIN_PEERS_ARGUMENT, PEERS_ARGUMENT, Peers, min_peers};
use crate::base::error::Result;
use crate::base::memory;
use crate::function::{Call, Cell, Column, Function, Past, Reads, Requests, Rows, Type, column};

/// The columns of a comparison after the user.
pub(super) const COMPARED: [Column; 6] = [
    column("peer_group", Type::Text, "the user's most recent value of peers"),
    column("metric", Type::Text, "requests_per_day, requests_per_completed_session, features_used or satisfaction"),
    column(
        "value",
        Type::Double,
        "the user's own value; requests_per_day are those of the first weeks, 1, 2, 4, 8 and so on, as many as the user and enough \
         peers have had; NULL if not known, as in the first week",
    ),
    column("peer_median", Type::Double, "median of the peers; NULL with too few peers"),
    column(
        "percentile",
        Type::Double,
        "percentile rank: share of the peers with a lower value and half the share of those with an equal one",
    ),
    column("peer_users", Type::Bigint, "peers with a known value"),
];

const COLUMNS: [Column; 7] = {
    let mut columns = [column("user_id", Type::Text, "the user"); 7];
    let mut n = 0;
    while n < COMPARED.len() {
        columns[n + 1] = COMPARED[n];
        n += 1;
    }
    columns
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "benchmark_users",
    path: "users::benchmark::benchmark_users",
    example: "",
    summary: "requests per day, requests per completed session, features used and satisfaction of every user, compared \
              with peers: all other users, or those with the same value of the property peers",
    arguments: &[PEERS_ARGUMENT, MIN_PEERS_ARGUMENT],
    columns: &COLUMNS,
    reads: Reads::Requests(&Requests {
        past: Past::All,
        columns: &["session_id", "feature", "latency_ms", "succeeded", "rating"],
        needed: &[],
        names: true,
    }),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let min_peers = min_peers(call)?;
    let (peers, metrics) = Peers::of(call, min_peers)?;
    for (n, user) in peers.by_id()?.into_iter().enumerate() {
        if n % memory::POLL_EVERY == memory::POLL_EVERY - 1 {
            memory::poll();
        }
        let id = peers.id(user);
        for (metric, measured) in METRICS.iter().zip(&metrics) {
            let measured = measured[user].shown(call, min_peers);
            rows.row(&mut [
                Cell::Bytes(&id),
                peers.group(user).into(),
                (*metric).into(),
                measured.value.into(),
                measured.median.into(),
                measured.percentile.into(),
                measured.peers.into(),
            ])?;
        }
    }
    Ok(())
}
