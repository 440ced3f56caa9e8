//! `acquisition`: first-touch acquisition source and onboarding. Definitions D97 to D99.

use super::lives::OwnDays;
use crate::base::days::Day;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{
    Argument, Call, Clock, Function, NO_DEFAULT, Past, Reads, Requests, Role, Rows, Type, column, column_about,
};
use crate::history::{Fold, Table, Timeline};
use crate::stats::amount::amount;
use std::cmp::Reverse;

const ABOUT: &[&str] = &["users"];

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "acquisition",
    path: "stages::acquisition",
    example: "",
    summary: "first-touch acquisition and onboarding: by the first value of a property, success of the first request, \
              completion of onboarding, retention in the second week and conversion to premium, each with the number \
              of users for whom it is known",
    arguments: &[
        Argument {
            name: "source_property",
            kind: Type::Text,
            role: Role::Column,
            default: "'Source'",
            about: "column or property that holds the acquisition source",
        },
        Argument {
            name: "premium",
            kind: Type::Json,
            role: Role::Condition,
            default: NO_DEFAULT,
            about: "requests of premium users, in the form of filter",
        },
        Argument {
            name: "premium_days",
            kind: Type::Integer,
            role: Role::Value,
            default: "30",
            about: "number of days, from the first one on, in which a premium request counts, from 1 to 36500: the same \
                    for every user",
        },
    ],
    columns: &[
        column("source_value", Type::Text, "first logged value of the property; NULL for users without any"),
        column_about(ABOUT, "users", Type::Bigint, "number of users"),
        column_about(ABOUT, "first_request_known_users", Type::Bigint, "users whose first request has a known outcome"),
        column_about(
            ABOUT,
            "first_request_answered_rate",
            Type::Double,
            "share of these users whose first request succeeded, 0 to 1; of several first requests at the same \
             instant, one success is enough",
        ),
        column_about(ABOUT, "onboarding_eligible_users", Type::Bigint, "users whose first 14 days have elapsed"),
        column_about(
            ABOUT,
            "onboarding_completed_rate",
            Type::Double,
            "share of these users who were activated in their first 14 days, 0 to 1",
        ),
        column_about(
            ABOUT,
            "week_2_eligible_users",
            Type::Bigint,
            "users whose second week has elapsed: the same users",
        ),
        column_about(
            ABOUT,
            "week_2_retention",
            Type::Double,
            "share of these users active in their second week, days 7 to 13 after the first, 0 to 1",
        ),
        column_about(
            ABOUT,
            "premium_eligible_users",
            Type::Bigint,
            "users whose first premium_days have elapsed; NULL without premium",
        ),
        column_about(
            ABOUT,
            "premium_users",
            Type::Bigint,
            "those of them with a premium request in these days; NULL without premium",
        ),
        column_about(
            ABOUT,
            "premium_rate",
            Type::Double,
            "premium_users / premium_eligible_users, 0 to 1; NULL without premium or eligible users",
        ),
    ],
    reads: Reads::Requests(&Requests {
        past: Past::All,
        columns: &["feature", "succeeded"],
        needed: &[],
        names: false,
    }),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 20,
    run,
};

/// The length of onboarding, and the end of the second week, in days from the first.
const ONBOARDING_DAYS: Day = 14;

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let elapsed = call.clock()?.day(call.end())?;
    let premium_days = match call.integer("premium_days") {
        Some(days) if (1..=36_500).contains(&days) => days,
        given => {
            let given = given.map_or("NULL".to_owned(), |days| days.to_string());
            return call.refuse("premium_days", given, "a number of days from 1 to 36500");
        }
    };
    let columns = ["source_property", "feature", "succeeded", "premium"].map(|name| call.column(name));
    let [source, feature, succeeded, premium] = columns;
    let make = || {
        let (clock, own, claim) = (call.clock()?, OwnDays::default(), Claim::temporary());
        let sources = Table::default();
        Ok(Sources { call, clock, elapsed, premium_days, source, feature, succeeded, premium, sources, own, claim })
    };
    let Sources { sources, mut claim, .. } = call.fold(&columns, make)?;
    let mut found = claim.collected(sources.iter().map(|([.., code], _, of)| (call.text_of(source, code), of)))?;
    found.sort_unstable_by_key(|(text, of)| (text.is_none(), Reverse(of.users), *text));
    let asks_premium = call.json("premium").is_some();
    let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64);
    found.into_iter().try_for_each(|(text, of)| {
        rows.row(&mut [
            text.into(),
            of.users.into(),
            of.known.into(),
            share(of.succeeded, of.known).into(),
            of.eligible.into(),
            share(of.onboarded, of.eligible).into(),
            of.eligible.into(),
            share(of.back, of.eligible).into(),
            asks_premium.then_some(of.premium_eligible).into(),
            asks_premium.then_some(of.premium).into(),
            share(of.premium, of.premium_eligible).filter(|_| asks_premium).into(),
        ])
    })
}

/// The users of a source, and counts of their outcomes.
#[derive(Debug, Default)]
struct Source {
    users: u64,
    known: u64,
    succeeded: u64,
    eligible: u64,
    onboarded: u64,
    back: u64,
    premium_eligible: u64,
    premium: u64,
}

amount!(Source: users, known, succeeded, eligible, onboarded, back, premium_eligible, premium);

/// The fold.
struct Sources<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    /// The day on which observation ends.
    elapsed: Day,
    /// The number of first days in which users may become premium users.
    premium_days: Day,
    source: Option<usize>,
    feature: Option<usize>,
    succeeded: Option<usize>,
    premium: Option<usize>,
    /// By the code of the source.
    sources: Table<Source>,
    own: OwnDays,
    claim: Claim,
}

impl Sources<'_> {
    /// The code of the first logged source, of several at the same instant the greatest by its bytes.
    fn told_first(&self, user: &Timeline<'_>) -> u32 {
        let codes = user.codes(self.source).unwrap_or_default();
        let Some(first) = codes.iter().position(|&code| code != 0) else { return 0 };
        let together = user.at.partition_point(|&at| at <= user.at[first]);
        let told = codes[first..together].iter().copied();
        told.max_by(|a, b| self.call.text_of(self.source, *a).cmp(&self.call.text_of(self.source, *b))).unwrap_or(0)
    }
}

impl Fold for Sources<'_> {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Some(&first_at) = user.at.first() else { return Ok(()) };
        if self.call.since.is_some_and(|since| first_at < since) {
            return Ok(());
        }
        let source = self.told_first(user);
        let Sources { clock, elapsed, premium_days, feature, succeeded, premium, sources, own, claim, .. } = self;
        own.read(user, clock, claim)?;
        let Some((first_day, _)) = own.each().next() else { return Ok(()) };
        let (_, of) = sources.entry([0, 0, source], claim)?;
        of.users += 1;
        let together = user.at.partition_point(|&at| at <= first_at);
        let outcome = (0..together).filter_map(|request| user.flag(*succeeded, request)).max();
        of.known += u64::from(outcome.is_some());
        of.succeeded += u64::from(outcome == Some(true));
        let after = |day: Day| day.saturating_sub(first_day);
        if after(*elapsed) >= *premium_days {
            let mut within = own.each().take_while(|(day, _)| after(*day) < *premium_days);
            let pays = |&(_, request): &(Day, u32)| user.flag(*premium, request as usize) == Some(true);
            of.premium_eligible += 1;
            of.premium += u64::from(within.any(|(_, requests)| requests.iter().any(pays)));
        }
        if after(*elapsed) >= ONBOARDING_DAYS {
            let activated = own.activated_on(user, *feature, *succeeded);
            of.eligible += 1;
            of.onboarded += u64::from(activated.is_some_and(|day| after(day) < ONBOARDING_DAYS));
            of.back += u64::from(own.each().any(|(day, _)| (7..ONBOARDING_DAYS).contains(&after(day))));
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.sources.add(other.sources, &mut self.claim)
    }

    fn subtract(&mut self, gone: Self) -> Result<bool> {
        self.sources.subtract(gone.sources, &mut self.claim)?;
        Ok(true)
    }
}
