//! One user's own requests: models and features used, latency and quality.

use super::{ModelUse, Sample};
use crate::base::calendar::{DAY_MICROS, Micros};
use crate::base::days::Day;
use crate::base::encoding;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Clock};
use crate::history::{Places, Table, Timeline};
use crate::stats::median::median;
use std::cmp::Reverse;

/// The columns read of a user's own requests.
#[derive(Clone, Copy)]
pub(crate) struct OwnColumns {
    pub(crate) model: Option<usize>,
    pub(crate) provider: Option<usize>,
    pub(crate) feature: Option<usize>,
    pub(crate) latency: Option<usize>,
    pub(crate) succeeded: Option<usize>,
    pub(crate) rating: Option<usize>,
    pub(crate) cost: Option<usize>,
    pub(crate) session: Option<usize>,
}

impl OwnColumns {
    pub(crate) fn of(call: &Call<'_>) -> Self {
        let column = |name| call.column(name);
        OwnColumns {
            model: column("model"),
            provider: column("provider"),
            feature: column("feature"),
            latency: column("latency_ms"),
            succeeded: column("succeeded"),
            rating: column("rating"),
            cost: column("cost_usd"),
            session: column("session_id"),
        }
    }

    /// The columns that [`Own::take_models`] reads.
    pub(crate) fn models(&self) -> [Option<usize>; 5] {
        [self.model, self.provider, self.latency, self.succeeded, self.rating]
    }
}

/// Requests with one name: their number and days.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) code: u32,
    pub(crate) requests: u64,
    pub(crate) days: Vec<Day>,
}

/// Values whose mean and variance are computed.
#[derive(Debug, Default)]
struct Values(Vec<f64>);

impl Values {
    fn sample(&mut self) -> Sample {
        // Added up in order of size, so that the result does not depend on the order of rows.
        self.0.sort_unstable_by(f64::total_cmp);
        let count = self.0.len() as f64;
        let mean = (count > 0.0).then(|| self.0.iter().sum::<f64>() / count);
        let variance = mean.map(|mean| self.0.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count);
        Sample { count: self.0.len() as u64, mean, variance }
    }
}

#[derive(Debug, Default)]
struct OwnModel {
    named: Named,
    latencies: Vec<f64>,
    failed_latencies: Vec<f64>,
    rated: Values,
    answered: Values,
}

/// The data read of the user.
pub(crate) struct Own<'a> {
    call: &'a Call<'a>,
    clock: Clock<'a>,
    /// By model and provider.
    models: Table<OwnModel>,
    claim: Claim,
}

impl Named {
    fn count(&mut self, day: Day, claim: &mut Claim) -> Result<()> {
        self.requests += 1;
        match self.days.binary_search(&day) {
            Ok(_) => Ok(()),
            Err(at) => {
                claim.reserve_doubling(&mut self.days, 1)?;
                self.days.insert(at, day);
                Ok(())
            }
        }
    }
}

impl<'a> Own<'a> {
    pub(crate) fn new(call: &'a Call<'_>) -> Result<Self> {
        Ok(Own { call, clock: call.clock()?, models: Table::default(), claim: Claim::temporary() })
    }

    /// Adds latencies, ratings and outcomes of each model.
    pub(crate) fn take_models(&mut self, user: &Timeline<'_>, columns: &OwnColumns) -> Result<()> {
        let Own { call, clock, models, claim } = self;
        let Some(codes) = user.codes(columns.model) else { return Ok(()) };
        let providers = user.codes(columns.provider);
        let (latencies, ratings) = (user.numbers(columns.latency), user.numbers(columns.rating));
        for (i, (&code, &at)) in codes.iter().zip(user.at).enumerate().filter(|(_, (code, _))| **code != 0) {
            // Blank is not told.
            let is_told =
                |code: &u32| !call.text_of(columns.provider, *code).unwrap_or_default().trim_ascii().is_empty();
            let provider = providers.map(|providers| providers[i]).filter(is_told).unwrap_or(0);
            let (_, model) = models.entry([code, provider, 0], claim)?;
            model.named.count(clock.day(at)?, claim)?;
            let outcome = user.flag(columns.succeeded, i);
            if let Some(latency) = latencies.map(|latencies| latencies[i]).filter(|latency| !latency.is_nan()) {
                let failed = outcome == Some(false);
                claim.push(if failed { &mut model.failed_latencies } else { &mut model.latencies }, latency)?;
            }
            if let Some(rating) = ratings.map(|ratings| ratings[i]).filter(|rating| !rating.is_nan()) {
                claim.push(&mut model.rated.0, rating)?;
            }
            if let Some(succeeded) = outcome {
                claim.push(&mut model.answered.0, f64::from(u8::from(succeeded)))?;
            }
        }
        Ok(())
    }

    /// The user's experience with each model, the most used first.
    pub(crate) fn models(&mut self) -> Vec<ModelUse> {
        let [model, provider] = ["model", "provider"].map(|name| self.call.column(name));
        let text = |column, code| encoding::decoded(self.call.text_of(column, code).unwrap_or_default()).into_owned();
        let mut models: Vec<ModelUse> = std::mem::take(&mut self.models)
            .into_values()
            .map(|([code, of, _], mut used)| ModelUse {
                model: text(model, code),
                provider: (of != 0).then(|| text(provider, of)),
                requests: used.named.requests,
                days: std::mem::take(&mut used.named.days),
                latency_ms: median(&mut used.latencies),
                failed_latency_ms: median(&mut used.failed_latencies),
                rated: used.rated.sample(),
                answered: used.answered.sample(),
            })
            .collect(); // few: models that one user used
        models.sort_by(|a, b| {
            let most = |model: &ModelUse| Reverse((model.requests, model.days.len()));
            most(a).cmp(&most(b)).then_with(|| a.name().cmp(&b.name()))
        });
        models
    }
}

/// The names of a column, ordered by requests, then by days, then by bytes.
pub(crate) fn most_used<'t>(
    user: &Timeline<'_>,
    column: Option<usize>,
    text: impl Fn(u32) -> &'t [u8],
    clock: &mut Clock<'_>,
    claim: &mut Claim,
) -> Result<Vec<Named>> {
    let (mut names, mut places): (Vec<Named>, _) = (Vec::new(), Places::default());
    let Some(codes) = user.codes(column) else { return Ok(names) };
    for (&code, &at) in codes.iter().zip(user.at).filter(|(code, _)| **code != 0) {
        let (place, is_new) = places.place(code, claim)?;
        if is_new {
            claim.push(&mut names, Named { code, ..Named::default() })?;
        }
        names[place].count(clock.day(at)?, claim)?;
    }
    names.sort_by_key(|named| (Reverse((named.requests, named.days.len())), text(named.code)));
    Ok(names)
}

/// The requests in each hour of the local clock.
pub(crate) fn hours(times: &[Micros], clock: &mut Clock<'_>) -> Result<[u64; 24]> {
    let mut hours = [0; 24];
    for &at in times {
        hours[(clock.local(at)?.rem_euclid(DAY_MICROS) / (DAY_MICROS / 24)) as usize] += 1;
    }
    Ok(hours)
}
