//! What `lifecycle_stage` and its like ask of Rust: the periods whose ends stages are judged at. The stages are put together in
//! `sql/stages.sql`.

use crate::error::{self, refused};
use crate::{settings, time};
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use user_metrics_core::calendar::{Grain, Period};
use user_metrics_core::host;

/// The periods from that of one day on which are over on another: their first and their last days.
#[pg_extern(stable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn stage_periods(
    period: Option<&str>,
    from: Option<Date>,
    elapsed: Option<Date>,
) -> error::Result<TableIterator<'static, (name!(period_start, Option<Date>), name!(last_day, Option<Date>))>> {
    let refuse = refused("lifecycle_transitions");
    let calendar = settings::calendar(Grain::parse("period", period.unwrap_or("month")).map_err(&refuse)?);
    let (Some(from), Some(elapsed)) = (from, elapsed) else { return Ok(TableIterator::new(std::iter::empty())) };
    let elapsed = elapsed.to_pg_epoch_days();
    let first = calendar.period(from.to_pg_epoch_days()).map_err(&refuse)?;
    let mut periods: Vec<Period> = Vec::new();
    let mut index = first.index;
    loop {
        host::poll();
        let period = calendar.numbered(index).map_err(&refuse)?;
        if period.end > elapsed {
            break;
        }
        periods.push(period);
        index += 1;
    }
    Ok(TableIterator::new(periods.into_iter().map(|period| (time::date(period.start), time::date(period.end - 1)))))
}
