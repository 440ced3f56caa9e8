//! `preferred_models`: the models to offer one user, in order. Definition D77.

use super::own::{Own, OwnColumns};
use super::{ModelUse, Preferred, Tradeoff, order, tradeoff};
use crate::base::error::Result;
use crate::function::{
    Argument, Call, Function, NAME_ONE, NO_DEFAULT, ONLY_USER, Past, Reads, Requests, Role, Rows, Type, column,
};

/// The arguments that list the models to offer.
pub(crate) const CANDIDATES: Argument = Argument {
    name: "candidates",
    kind: Type::Texts,
    role: Role::Value,
    default: NO_DEFAULT,
    about: "candidate models, named as in the log or followed by a slash and a provider; by default those used",
};

/// See [`CANDIDATES`].
pub(crate) const FALLBACK: Argument = Argument {
    name: "fallback",
    kind: Type::Texts,
    role: Role::Value,
    default: NO_DEFAULT,
    about: "models for users of whom too little is known; by default the candidates as given",
};

/// What is read of requests.
pub(super) static REQUESTS: Requests = Requests {
    past: Past::Nothing,
    columns: &["model", "provider", "latency_ms", "succeeded", "rating"],
    needed: &[],
    names: false,
};

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "preferred_models",
    path: "users::preferences::preferred_models",
    example: "",
    summary: "models to offer one user, in order, inferred from the user's choices and experience; limited to \
              candidates, with fallback for users of whom too little is known",
    arguments: &[ONLY_USER, CANDIDATES, FALLBACK],
    columns: &[
        column("place", Type::Bigint, "rank; 1 is the model to offer first"),
        column(
            "model",
            Type::Text,
            "the candidate as given, or the model as named in the log, followed by a slash and its provider if the log has one",
        ),
        column("requests", Type::Bigint, "the user's requests to it"),
        column("active_days", Type::Bigint, "local days with such a request"),
        column(
            "median_latency_ms",
            Type::Double,
            "the user's median latency in milliseconds, over requests that are not known to have failed",
        ),
        column("median_failed_latency_ms", Type::Double, "the same over requests that failed"),
        column("answered_rate", Type::Double, "share of the user's requests to it that were answered, as far as known"),
        column("mean_rating", Type::Double, "mean of the user's ratings"),
        column("reason", Type::Text, "reason for the rank: fast, good, used, not used, as given or fallback"),
        column("prefers_speed", Type::Boolean, "whether the user prefers speed; NULL with too little evidence"),
        column("prefers_quality", Type::Boolean, "whether the user prefers quality; NULL with too little evidence"),
    ],
    reads: Reads::Requests(&REQUESTS),
    segmented: false,
    scalar: false,
    zoned: true,
    rows: 10,
    run,
};

/// The models to offer a user, and the user's experience with those used.
pub(super) struct Offer {
    pub(super) models: Vec<ModelUse>,
    pub(super) preference: Option<Tradeoff>,
    pub(super) order: Vec<Preferred>,
}

/// The models to offer the user of a call.
pub(super) fn offer(call: &Call<'_>) -> Result<Offer> {
    // There is no user yet in the check before the query.
    call.required("user_id", call.text("user_id"), NAME_ONE)?;
    let (candidates, fallback) = (call.texts("candidates"), call.texts("fallback"));
    let mut own = Own::new(call)?;
    let columns = OwnColumns::of(call);
    call.each_user(&columns.models(), |user| own.take_models(user, &columns))?;
    let models = own.models();
    let preference = tradeoff(&models);
    let order = order(&models, preference, candidates.as_deref(), fallback.as_deref())?;
    Ok(Offer { models, preference, order })
}

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let Offer { models, preference, order } = offer(call)?;
    (1u64..).zip(&order).try_for_each(|(place, preferred)| {
        let used = preferred.used.and_then(|i| models.get(i));
        rows.row(&mut [
            place.into(),
            preferred.name.as_str().into(),
            used.map_or(0, |model| model.requests).into(),
            used.map_or(0, |model| model.days.len() as u64).into(),
            used.and_then(|model| model.latency_ms).into(),
            used.and_then(|model| model.failed_latency_ms).into(),
            used.and_then(|model| model.answered.mean).into(),
            used.and_then(|model| model.rated.mean).into(),
            preferred.reason.into(),
            preference.map(|preference| preference.speed).into(),
            preference.map(|preference| preference.quality).into(),
        ])
    })
}
