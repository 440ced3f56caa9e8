//! `lifecycle_stage`: the stage of every user, since when, and the values that decided it. Definitions D100 to D103.

use super::judged::{KNOWN_DAYS, RECENT_DAYS, judged};
use super::lives::Lives;
use super::{Stage, TIER_PROPERTY, TIERS};
use crate::base::days::Day;
use crate::base::error::Result;
use crate::function::{Call, Cell, Function, Past, Reads, Requests, Rows, Type, column};
use crate::segments::Terms;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "lifecycle_stage",
    path: "stages::lifecycle_stage",
    example: "",
    summary: "lifecycle stage of every user, exactly one (the first of lapsed, dormant, growth, retention, activation \
              and acquisition that applies), its start, and the metrics that decide it",
    arguments: &[TIERS, TIER_PROPERTY],
    columns: &[
        column("user_id", Type::Text, "the user"),
        column("stage", Type::Text, "acquisition, activation, retention, growth, lapsed or dormant"),
        column("since_day", Type::Date, "start of the stage; exact to the week if another stage preceded it"),
        column("first_seen", Type::Instant, "time of the first request"),
        column("last_seen", Type::Instant, "time of the last request"),
        column("recent_requests", Type::Bigint, "requests in the last 28 days"),
        column("active_weeks", Type::Integer, "number of the last four weeks in which the user was active"),
        column("active_days", Type::Bigint, "number of the last 28 days on which the user was active"),
        column(
            "usage_rank",
            Type::Bigint,
            "rank by recent_requests among users active in the last 28 days: 1 has the most, equal users share a rank",
        ),
        column(
            "power_cutoff",
            Type::Bigint,
            "recent_requests of the last user in the top decile; NULL if there is none",
        ),
        column("activated_on", Type::Date, "day of activation; NULL if never activated"),
        column(
            "upgraded_on",
            Type::Date,
            "day from which the tier logged last has been above the first one; NULL if it is not",
        ),
    ],
    reads: Reads::Requests(&Requests { past: Past::All, columns: &["feature", "succeeded"], needed: &[], names: true }),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 1000,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let last_begun = call.clock()?.day(call.end().saturating_sub(1))?;
    let lives = Lives::of(call)?;
    let Some((first, last)) = lives.bounds() else { return Ok(()) };
    // The last day, and the same weekday of all earlier weeks.
    let last = last.max(last_begun);
    let weeks = last - first;
    let weeks = (weeks / 7) as usize;
    let day = |number: usize| last - 7 * (weeks - number) as Day;
    let judged = judged(&lives, weeks + 1, day, |_, _| Ok(()))?;
    let power_cutoff = judged.shown_cutoff(call);
    let least_lapsed = Terms::STANDARD.least_lapsed()? as usize;
    for (life, standing) in lives.lives.iter().zip(&judged.standings) {
        let (Some(stage), Some((first_day, last_day))) = (standing.stage, lives.first_and_last(life)) else { continue };
        if !lives.is_shown(life) {
            continue;
        }
        let (begins, upgraded_on) = (day(standing.since), lives.upgraded_on(life, last));
        let within_a_week = |day: &Day| (begins - 6..=begins).contains(day);
        let exact = match stage {
            Stage::Lapsed => Some(last_day.saturating_add(RECENT_DAYS)),
            Stage::Dormant => {
                // Whoever was lapsed before ceases to be when too few of the days compared with are left.
                let days = lives.days(life);
                let kept = days.len().checked_sub(least_lapsed).and_then(|n| days.get(n)).map(|(day, _)| *day);
                let lapsed_until = kept.map_or(Day::MIN, |day| day.saturating_add(KNOWN_DAYS));
                Some(last_day.saturating_add(RECENT_DAYS).max(lapsed_until))
            }
            Stage::Activation => life.activated_on.filter(within_a_week),
            Stage::Growth => upgraded_on.filter(within_a_week),
            Stage::Acquisition | Stage::Retention => None,
        };
        // A stage that has never changed began with the user.
        let since_day = exact.unwrap_or(if begins - 7 < first_day { first_day } else { begins });
        let is_active = standing.requests > 0;
        let rank = || judged.usages.partition_point(|&usage| usage > standing.requests) as u64 + 1;
        let date = |day: Option<Day>| day.map_or(Cell::Null, Cell::Date);
        rows.row(&mut [
            Cell::Bytes(&lives.id(life)),
            stage.name().into(),
            Cell::Date(since_day),
            Cell::Instant(life.first_at),
            Cell::Instant(life.last_at),
            standing.requests.into(),
            (standing.active_weeks() as i32).into(),
            u64::from(standing.active_days()).into(),
            is_active.then(rank).into(),
            power_cutoff.filter(|_| is_active).into(),
            date(life.activated_on),
            date(upgraded_on),
        ])?;
    }
    Ok(())
}
