//! `favorite_features`: the most used features of one user, and their lift over all users. Definition D13.

use super::own::{Named, most_used};
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::base::user_table::UserKey;
use crate::function::{
    Argument, Call, Clock, Function, NAME_ONE, NAMED_USER, Past, Reads, Requests, Role, Rows, Type, column,
};
use crate::history::{Fold, Table, Timeline};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "favorite_features",
    path: "users::preferences::favorite_features",
    example: "",
    summary: "most used features of one user, with lift: share of the user's requests over share of all users' \
              requests",
    arguments: &[
        NAMED_USER,
        Argument {
            name: "top",
            kind: Type::Integer,
            role: Role::Value,
            default: "3",
            about: "number of features, 1 or more",
        },
    ],
    columns: &[
        column("place", Type::Bigint, "rank; 1 is the most used"),
        column("feature", Type::Text, "the feature"),
        column("requests", Type::Bigint, "the user's requests to it"),
        column("active_days", Type::Bigint, "local days with such a request"),
        column("share", Type::Double, "share of the user's requests that name a feature"),
        column(
            "population_share",
            Type::Double,
            "the same share for the requests of all users; NULL for a feature with too few users",
        ),
        column("lift", Type::Double, "share / population_share"),
    ],
    reads: Reads::Requests(&Requests { past: Past::Nothing, columns: &[], needed: &["feature"], names: false }),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 3,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let id = call.required("user_id", call.text("user_id"), NAME_ONE)?;
    let top = match call.integer("top") {
        Some(top @ 1..) => top as usize,
        given => {
            let given = given.map_or("NULL".to_owned(), |given| given.to_string());
            return call.refuse("top", given, "a number of features of 1 or more");
        }
    };
    let feature = call.column("feature");
    let mut features = call.fold(&[feature], || {
        Ok(Features {
            call,
            clock: call.clock()?,
            feature,
            user: call.user_key(id),
            all: Table::default(),
            own: Vec::new(),
            claim: Claim::temporary(),
        })
    })?;
    let own = std::mem::take(&mut features.own);
    let share = |part: u64, whole: u64| part as f64 / whole as f64;
    let mine = own.iter().map(|named| named.requests).sum::<u64>();
    let everybody = features.all.iter().map(|(.., of)| of.requests).sum::<u64>();
    (1u64..).zip(&own).take(top).try_for_each(|(place, named)| {
        let all = features.all.find([0, 0, named.code]).filter(|all| !call.hides(all.users));
        let (ours, theirs) = (share(named.requests, mine), all.map(|all| share(all.requests, everybody)));
        rows.row(&mut [
            place.into(),
            call.text_of(feature, named.code).into(),
            named.requests.into(),
            (named.days.len() as u64).into(),
            ours.into(),
            theirs.into(),
            theirs.map(|theirs| ours / theirs).into(),
        ])
    })
}

/// Users and requests of a feature.
#[derive(Debug, Default)]
struct Feature {
    users: u64,
    requests: u64,
    last_user: Option<UserKey>,
}

/// The fold.
struct Features<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    feature: Option<usize>,
    /// The user of the call.
    user: Option<UserKey>,
    all: Table<Feature>,
    own: Vec<Named>,
    claim: Claim,
}

impl Fold for Features<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Features { call, clock, feature, all, own, claim, .. } = self;
        let Some(codes) = user.codes(*feature) else { return Ok(()) };
        for &code in codes.iter().filter(|code| **code != 0) {
            let (_, of) = all.entry([0, 0, code], claim)?;
            of.requests += 1;
            of.users += u64::from(of.last_user.replace(user.user) != Some(user.user));
        }
        if self.user == Some(user.user) {
            let text = |code| call.text_of(*feature, code).unwrap_or_default();
            *own = most_used(user, *feature, text, clock, claim)?;
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        if self.own.is_empty() {
            self.own = other.own;
        }
        let merged = self.all.merge(other.all, &mut self.claim, |ours, theirs, _| {
            (ours.users, ours.requests) = (ours.users + theirs.users, ours.requests + theirs.requests);
            Ok(())
        });
        merged.map(drop)
    }
}
