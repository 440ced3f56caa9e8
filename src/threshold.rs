//! `activation_threshold` from the bytes of deeds. The algorithm is [`user_metrics_core::threshold`].

use crate::aggregate;
use crate::error::{self, refused};
use crate::settings::Privacy;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::deeds::Deeds;
use user_metrics_core::state::State;
use user_metrics_core::threshold::{self, Answer, Lack, Question};

const NAME: &str = "activation_threshold";
/// What a caller asks who does not say.
const MAX_DAYS: i32 = 15;
const MAX_REQUESTS: i32 = 10;
const MIN_USERS: i32 = 100;

/// The row of one segment; of deeds that are NULL, for nobody.
#[pg_extern(stable, parallel_safe)]
#[allow(clippy::too_many_arguments, clippy::type_complexity)]
fn threshold_figures(
    deeds: Option<&[u8]>,
    of_action: bool,
    max_days: Option<i32>,
    max_requests: Option<i32>,
    min_users: Option<i32>,
    seed: Option<i64>,
) -> error::Result<
    TableIterator<
        'static,
        (
            name!(users, Option<i64>),
            name!(retained_users, Option<i64>),
            name!(days, Option<i32>),
            name!(requests, Option<i32>),
            name!(days_low, Option<i32>),
            name!(days_high, Option<i32>),
            name!(requests_low, Option<i32>),
            name!(requests_high, Option<i32>),
            name!(q_value, Option<f64>),
            name!(held_out_users, Option<i64>),
            name!(users_reaching, Option<i64>),
            name!(retention_reaching, Option<f64>),
            name!(retention_others, Option<f64>),
            name!(difference, Option<f64>),
            name!(difference_low, Option<f64>),
            name!(difference_high, Option<f64>),
            name!(phi, Option<f64>),
            name!(p_value, Option<f64>),
            name!(recall, Option<f64>),
            name!(youden_j, Option<f64>),
            name!(lift, Option<f64>),
            name!(sentence, Option<String>),
            name!(reason, Option<String>),
        ),
    >,
> {
    let refuse = refused(NAME);
    let (days, requests) = (max_days.unwrap_or(MAX_DAYS), max_requests.unwrap_or(MAX_REQUESTS));
    let question = Question::new(days, requests, min_users.unwrap_or(MIN_USERS), seed.unwrap_or(1)).map_err(&refuse)?;
    aggregate::set_limit();
    let answer = match deeds {
        Some(deeds) => {
            Deeds::decode(deeds).and_then(|deeds| threshold::threshold(&deeds, &question)).map_err(&refuse)?
        }
        None => Answer { lack: Some(Lack::Users), ..Answer::default() },
    };
    let (privacy, all) = (Privacy::current(), answer.training + answer.held_out);
    let shown = !privacy.hides(all) && !privacy.hides(answer.retained) && !privacy.hides(all - answer.retained);
    let found = answer
        .found
        .filter(|found| shown && !privacy.hides(found.held_out.with) && !privacy.hides(found.held_out.without));
    let reason = match answer.lack {
        Some(lack) => Some(lack.reason(&question)),
        None if found.is_none() => Some("groups are too small to be shown".to_owned()),
        None => None,
    };
    let held_out = found.map(|found| found.held_out);
    let count = |number: usize| number as i32;
    let difference = held_out.and_then(|of| of.difference());
    Ok(TableIterator::once((
        shown.then_some(all as i64),
        shown.then_some(answer.retained as i64),
        found.map(|found| count(found.threshold.days)),
        found.map(|found| count(found.threshold.count)),
        found.and_then(|found| Some(count(found.days?.0))),
        found.and_then(|found| Some(count(found.days?.1))),
        found.and_then(|found| Some(count(found.counts?.0))),
        found.and_then(|found| Some(count(found.counts?.1))),
        found.map(|found| found.training_q),
        shown.then_some(answer.held_out as i64),
        held_out.map(|of| of.with as i64),
        held_out.and_then(|of| of.rate_with()),
        held_out.and_then(|of| of.rate_without()),
        difference.map(|(difference, ..)| difference),
        difference.map(|(_, low, _)| low),
        difference.map(|(.., high)| high),
        held_out.and_then(|of| of.phi()),
        held_out.and_then(|of| of.p_value()),
        found.and_then(|found| found.recall()),
        found.and_then(|found| found.youden()),
        found.and_then(|found| found.lift()),
        found.and_then(|found| found.sentence(of_action)),
        reason,
    )))
}
