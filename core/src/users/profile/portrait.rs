//! The complete profile of one user: metrics of their own requests, segment, and comparison with peers, all from one pass
//! over the log.

use super::figures::Figures;
use crate::base::error::Result;
use crate::base::user_table::UserKey;
use crate::function::{Argument, Call, NAME_ONE, ONLY_USER, Past, Requests, Role, Type};
use crate::history::{Fold, Timeline};
use crate::segments::Terms;
use crate::segments::members::Members;
use crate::users::benchmark::peers::{self, MIN_PEERS, Measured, PEERS_ARGUMENT, Peers};
use crate::users::preferences::order;
use crate::users::preferences::own::OwnColumns;
use crate::users::preferences::preferred_models::{CANDIDATES, FALLBACK};

/// The arguments of the functions that return it.
pub(super) const ARGUMENTS: [Argument; 5] = [
    ONLY_USER,
    PEERS_ARGUMENT,
    Argument {
        name: "benchmark",
        kind: Type::Boolean,
        role: Role::Everyone,
        default: "true",
        about: "whether to include segment and peers, for which the requests of all users are read; false reads the \
                user's own only",
    },
    CANDIDATES,
    FALLBACK,
];

/// What is read of requests.
pub(super) static REQUESTS: Requests = Requests {
    past: Past::All,
    columns: &["session_id", "model", "provider", "feature", "latency_ms", "succeeded", "rating", "cost_usd"],
    needed: &[],
    names: false,
};

/// The profile of a user with requests.
pub(super) struct Portrait {
    pub(super) figures: Figures,
    /// Present if the other users were read, too.
    pub(super) beside: Option<Beside>,
}

/// A user compared with the others.
pub(super) struct Beside {
    pub(super) segment: &'static str,
    /// Each of [`peers::METRICS`].
    pub(super) measured: [Measured; 4],
}

/// The profile of the user of a call; `None` without requests.
pub(super) fn portrait(call: &Call<'_>) -> Result<Option<Portrait>> {
    let id = call.required("user_id", call.text("user_id"), NAME_ONE)?;
    // Invalid arguments are rejected before the log is read.
    order(&[], None, call.texts("candidates").as_deref(), call.texts("fallback").as_deref())?;
    let Some(key) = call.user_key(id) else { return Ok(None) };
    let own = OwnColumns::of(call);
    let is_compared = call.boolean("benchmark") == Some(true);
    let of_peers = peers::COLUMNS.map(|name| call.column(name));
    let columns = [own.model, own.provider, own.cost].into_iter().chain(of_peers).collect::<Vec<_>>(); // few: columns
    let make = || {
        let others =
            if is_compared { Some((Members::new(call, Terms::STANDARD, None)?, Peers::new(call)?)) } else { None };
        Ok(Sitting { call, key, own, figures: None, others })
    };
    let Sitting { figures, others, .. } = call.fold(&columns, make)?;
    let Some(figures) = figures else { return Ok(None) };
    let Some((mut members, mut peers)) = others else { return Ok(Some(Portrait { figures, beside: None })) };
    members.settle()?;
    let metrics = peers.metrics(MIN_PEERS)?;
    let (member, user) = (members.members.iter().find(|member| member.id.user == key), peers.number(key));
    let measured =
        |metric: usize| user.map_or_else(Measured::default, |user| metrics[metric][user].shown(call, MIN_PEERS));
    let beside =
        member.map(|member| Beside { segment: member.segment.name(), measured: std::array::from_fn(measured) });
    Ok(Some(Portrait { figures, beside }))
}

/// The fold.
struct Sitting<'a> {
    call: &'a Call<'a>,
    key: UserKey,
    own: OwnColumns,
    figures: Option<Figures>,
    others: Option<(Members<'a>, Peers<'a>)>,
}

impl Fold for Sitting<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        if user.user == self.key {
            self.figures = Figures::of(self.call, &user.since(self.call.since), user.at.first().copied(), &self.own)?;
        }
        let Some((members, peers)) = &mut self.others else { return Ok(()) };
        members.observe(user)?;
        peers.observe(user)
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.figures = self.figures.take().or(other.figures);
        let (Some((members, peers)), Some(others)) = (&mut self.others, other.others) else { return Ok(()) };
        members.merge(others.0)?;
        peers.merge(others.1)
    }
}
