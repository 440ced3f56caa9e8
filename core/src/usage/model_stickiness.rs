//! `model_stickiness`: whether users stay with a model in successive requests. Definition D24.

use super::OF_TRANSITIONS;
use crate::base::error::Result;
use crate::base::memory::Claim;
use crate::function::{Call, Cell, Function, Reads, Rows, Type, column};
use crate::function::{named, text_order};
use crate::history::{BySegment, Fold, Places, Table, Timeline};
use crate::stats::amount::amount;
use crate::stats::sum::Sum;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "model_stickiness",
    path: "usage::model_stickiness",
    example: "",
    summary: "share of requests followed by another to the same model, compared with the share expected by chance \
              given each user's model mix; the row without a model is for all models",
    arguments: &[],
    columns: &[
        column("model", Type::Text, "the model; NULL for all models"),
        column(
            "transitions",
            Type::Bigint,
            "requests to the model that are followed by another request of the same user",
        ),
        column("stay_rate", Type::Double, "share of them followed by a request to the same model"),
        column("chance_rate", Type::Double, "share expected if each user's requests came in random order"),
        column("excess", Type::Double, "stay_rate - chance_rate"),
        column(
            "switches_after_error",
            Type::Bigint,
            "switches to another model after a failed request; NULL if success is not known",
        ),
        column(
            "concentration",
            Type::Double,
            "mean over users with at least two requests of the sum of the squared shares of their models (Herfindahl index)",
        ),
    ],
    reads: Reads::Requests(&OF_TRANSITIONS),
    segmented: true,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    call.clock()?;
    let columns = ["request_id", "segment", "model", "succeeded"].map(|name| call.column(name));
    let [_, segment, model, succeeded] = columns;
    let make = || {
        let (own, places, by_segment, claim) =
            (Vec::new(), Places::default(), BySegment::default(), Claim::temporary());
        Ok(Stickiness { segment, model, succeeded, models: Table::default(), own, places, by_segment, claim })
    };
    let mut fold = call.fold(&columns, make)?;
    if fold.models.is_empty() && !call.by {
        let (zero, none) = (Cell::Bigint(0), Cell::Null);
        return rows.row(&mut [none, none, zero, none, none, none, zero, none]);
    }
    let mut models = named(call, [None, fold.segment, fold.model], &fold.models, &mut fold.claim)?;
    // The row of all models, whose code is that of no text, comes first.
    models.sort_by_key(|model| (text_order(model.texts[1]), model.texts[2]));
    models.into_iter().try_for_each(|model| {
        let of = model.value;
        let shown = !call.hides(of.users_again) && !call.hides(of.users);
        let share = |part: f64| (of.transitions > 0 && shown).then(|| part / of.transitions as f64);
        let (stay, chance) = (share(of.stays as f64), share(of.chance.value().unwrap_or(0.0)));
        rows.row(&mut [
            model.texts[1].into(),
            model.texts[2].into(),
            shown.then_some(of.transitions).into(),
            stay.into(),
            chance.into(),
            stay.zip(chance).map(|(stay, chance)| stay - chance).into(),
            (shown && (of.known > 0 || of.transitions == 0)).then_some(of.after_error).into(),
            of.concentration.mean().filter(|_| !call.hides(of.concentration.count())).into(),
        ])
    })
}

/// Sums for a model in a segment, or for all models.
#[derive(Debug, Default)]
struct Model {
    users: u64,
    users_again: u64,
    transitions: u64,
    stays: u64,
    /// The stays expected by chance.
    chance: Sum,
    after_error: u64,
    /// Transitions after a request of known outcome.
    known: u64,
    concentration: Sum,
}

amount!(Model: users, users_again, transitions, stays, chance, after_error, known, concentration);

/// A user's requests to one model.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    model: u32,
    requests: u64,
    transitions: u64,
    stays: u64,
    after_error: u64,
    known: u64,
}

impl Model {
    fn add(&mut self, own: &Own, chance: f64, concentration: Option<f64>, claim: &mut Claim) -> Result<()> {
        self.users += 1;
        self.users_again += u64::from(own.transitions > 0);
        self.transitions += own.transitions;
        self.stays += own.stays;
        self.after_error += own.after_error;
        self.known += own.known;
        self.chance.add(own.transitions as f64 * chance, claim)?;
        concentration.map_or(Ok(()), |concentration| self.concentration.add(concentration, claim))
    }
}

/// The fold.
struct Stickiness {
    segment: Option<usize>,
    model: Option<usize>,
    succeeded: Option<usize>,
    models: Table<Model>,
    own: Vec<Own>,
    places: Places,
    by_segment: BySegment,
    claim: Claim,
}

impl Fold for Stickiness {
    fn observe(&mut self, user: &Timeline<'_>) -> Result<()> {
        let Stickiness { segment, model, succeeded, models, own, places, by_segment, claim } = self;
        let Some(codes) = user.codes(*model) else { return Ok(()) };
        by_segment.each(user, *segment, |segment, requests| {
            own.clear();
            places.clear();
            let mut last: Option<(usize, u32)> = None;
            for &request in requests.iter().filter(|&&request| codes[request as usize] != 0) {
                let code = codes[request as usize];
                let (place, is_new) = places.place(code, claim)?;
                if is_new {
                    claim.push(own, Own { model: code, ..Own::default() })?;
                }
                own[place].requests += 1;
                if let Some((before, its_request)) = last {
                    let from = &mut own[before];
                    let outcome = user.flag(*succeeded, its_request as usize);
                    from.transitions += 1;
                    from.stays += u64::from(before == place);
                    from.known += u64::from(outcome.is_some());
                    from.after_error += u64::from(before != place && outcome == Some(false));
                }
                last = Some((place, request));
            }
            if own.is_empty() {
                return Ok(());
            }
            let mut all = Own::default();
            for own in &*own {
                all.requests += own.requests;
                all.transitions += own.transitions;
                all.stays += own.stays;
                all.after_error += own.after_error;
                all.known += own.known;
            }
            let squares = own.iter().map(|own| u128::from(own.requests) * u128::from(own.requests)).sum::<u128>();
            let (requests, others) = (all.requests as f64, all.requests.saturating_sub(1) as f64);
            // A single request is always of a single model, which tells nothing.
            let concentration = (all.requests > 1).then(|| squares as f64 / (requests * requests));
            // Successive requests are two different ones: they are drawn without replacement.
            let chance = |same: f64, of: f64| if all.requests > 1 { same / of } else { 0.0 };
            let same = squares.saturating_sub(all.requests.into()) as f64;
            let by_chance = chance(same, requests * others);
            models.entry([0, segment, 0], claim)?.1.add(&all, by_chance, concentration, claim)?;
            own.iter().try_for_each(|own| {
                let by_chance = chance(own.requests.saturating_sub(1) as f64, others);
                models.entry([0, segment, own.model], claim)?.1.add(own, by_chance, concentration, claim)
            })
        })
    }

    fn merge(&mut self, other: Self) -> Result<()> {
        self.models.add(other.models, &mut self.claim)
    }

    fn subtract(&mut self, gone: Self) -> Result<bool> {
        self.models.subtract(gone.models, &mut self.claim)?;
        Ok(true)
    }
}
