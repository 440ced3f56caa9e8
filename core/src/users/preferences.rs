//! Preferred models of a user, inferred from usage. Definition D77.
//!
//! A preference shows only in a trade-off: between two models of which, by the user's own requests, one is faster and the
//! other better. A choice is a day on which a model was used, not a request, since requests come in bursts; it counts once
//! the user has used both.

use crate::base::error::{Error, Result};
use crate::base::memory;
use crate::function::Function;
use serde::Deserialize;
use statrs::distribution::{Binomial, DiscreteCDF};
use std::collections::HashSet;

pub mod favorite_features;
pub(crate) mod own;
pub mod preferred_model_list;
pub mod preferred_models;

/// The functions about preferences.
pub const FUNCTIONS: &[&Function] =
    &[&preferred_models::FUNCTION, &preferred_model_list::FUNCTION, &favorite_features::FUNCTION];

/// A user's experience with one model.
#[derive(Clone, Debug, Deserialize)]
pub struct ModelUse {
    /// Its name in the log.
    pub model: String,
    /// Its provider, if the log tells it.
    #[serde(default)]
    pub provider: Option<String>,
    /// The number of requests to it.
    pub requests: u64,
    /// The local days of the requests, ascending.
    pub days: Vec<i32>,
    /// The median of the known latencies of requests not known to have failed, in milliseconds: a model that fails fast
    /// is not fast.
    pub latency_ms: Option<f64>,
    /// The median of the known latencies of failed requests, in milliseconds.
    pub failed_latency_ms: Option<f64>,
    /// The ratings given to its answers.
    pub rated: Sample,
    /// The known outcomes, 1 for success and 0 for failure.
    pub answered: Sample,
}

impl ModelUse {
    /// Its name as gateways have it: the model, and after a slash the provider, if it is known.
    pub fn name(&self) -> String {
        match &self.provider {
            Some(provider) => format!("{}/{provider}", self.model),
            None => self.model.clone(),
        }
    }
}

/// Size, mean and population variance of a set of numbers.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Sample {
    /// The size.
    pub count: u64,
    /// The mean; `None` if empty.
    pub mean: Option<f64>,
    /// The variance; `None` if empty.
    pub variance: Option<f64>,
}

impl Sample {
    /// Count, mean and variance, if there are enough numbers to compare.
    fn known(&self, least: u64) -> Option<(f64, f64, f64)> {
        let (mean, variance) = (self.mean?, self.variance?);
        (self.count >= least && mean.is_finite() && variance >= 0.0).then_some((self.count as f64, mean, variance))
    }
}

/// The fewest days for inferring a preference, or none.
pub const LEAST_DAYS: u64 = 10;
/// The fewest requests to candidates for inferring anything about a user.
pub const LEAST_REQUESTS: u64 = 10;
/// The fewest requests to a model for ranking it by latency or quality.
const LEAST_OF_MODEL: u64 = 5;
/// The fewest ratings of each of two models for comparing them by ratings rather than by success. The number is small
/// because users rate a model they avoid only rarely; small samples are shrunk.
const LEAST_RATED: u64 = 3;
/// The fewest outcomes of each of two models for comparing them by success.
const LEAST_ANSWERED: u64 = 5;
/// A model is faster than another whose latency is at least a fifth longer.
const SLOWER: f64 = 1.2;
/// A model is better than another by at least a fifth of a standard deviation: a small effect after J. Cohen, "Statistical
/// Power Analysis for the Behavioral Sciences" (1988).
const BETTER: f64 = 0.2;
/// The number of average observations added to those of a user, so that small samples have little weight.
const SHRINK_BY: f64 = 10.0;
/// The largest p value of a preference in the binomial test.
const LARGEST_P: f64 = 0.05;

/// The preference of a user in a trade-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tradeoff {
    /// Prefers the faster model.
    pub speed: bool,
    /// Prefers the better model.
    pub quality: bool,
}

/// A mean shrunk towards `prior`, as if `weight` more numbers of that value had been observed.
pub fn shrunk_mean(count: f64, mean: f64, prior: f64, weight: f64) -> f64 {
    (count * mean + weight * prior) / (count + weight)
}

/// How much better `one` is than `other`, in pooled standard deviations, after both means have been shrunk to their common
/// mean; by ratings if both have enough, otherwise by success. `None` if neither has enough, or there is no variance.
fn better_by(one: &ModelUse, other: &ModelUse) -> Option<f64> {
    let by = |pick: fn(&ModelUse) -> &Sample, least| Some((pick(one).known(least)?, pick(other).known(least)?));
    let ((n, mean, variance), (m, mean_of_other, variance_of_other)) =
        by(|model| &model.rated, LEAST_RATED).or_else(|| by(|model| &model.answered, LEAST_ANSWERED))?;
    let common = (n * mean + m * mean_of_other) / (n + m);
    let spread = (n * (variance + (mean - common).powi(2))
        + m * (variance_of_other + (mean_of_other - common).powi(2)))
        / (n + m);
    let shrunk = |count, mean| shrunk_mean(count, mean, common, SHRINK_BY);
    // Equal numbers deviate from their mean by rounding errors.
    (spread > (1e-12 * common).powi(2)).then(|| (shrunk(n, mean) - shrunk(m, mean_of_other)) / spread.sqrt())
}

/// Whether the user prefers speed to quality or the other way round; `None` without enough evidence.
///
/// Of all pairs of models of which one is faster and the other better, the pair used on the most days after both were known
/// decides (then the one with the most requests, then by name). The side used on more days is preferred if the one-sided
/// exact binomial test gives a probability of at most 5 %; otherwise neither is.
///
/// ```
/// # use user_metrics_core::users::preferences::{ModelUse, Sample, Tradeoff, tradeoff};
/// let of = |model: &str, days: Vec<i32>, latency, rating| ModelUse {
///     model: model.to_owned(), provider: None, requests: days.len() as u64, days, latency_ms: Some(latency), failed_latency_ms: None,
///     rated: Sample { count: 20, mean: Some(rating), variance: Some(1.0) }, answered: Sample::default(),
/// };
/// let (quick, good) = (of("quick", vec![0, 3], 300.0, 3.0), of("good", (0..12).collect(), 900.0, 4.0));
/// assert_eq!(tradeoff(&[quick, good]), Some(Tradeoff { speed: false, quality: true }));
/// ```
pub fn tradeoff(models: &[ModelUse]) -> Option<Tradeoff> {
    let mut most: Option<(u64, u64, u64, u64)> = None;
    for fast in models {
        memory::poll();
        for good in models {
            let (Some(short), Some(long)) = (fast.latency_ms, good.latency_ms) else { continue };
            if long < SLOWER * short || better_by(good, fast).is_none_or(|by| by < BETTER) {
                continue;
            }
            let Some(&met) = fast.days.first().max(good.days.first()) else { continue };
            let after = |model: &ModelUse| model.days.iter().filter(|&&day| day > met).count() as u64;
            let (fast_days, good_days) = (after(fast), after(good));
            let pair = (fast_days + good_days, fast.requests + good.requests, fast_days, good_days);
            if most.is_none_or(|most| (pair.0, pair.1) > (most.0, most.1)) {
                most = Some(pair);
            }
        }
    }
    let (days, _, fast, good) = most.filter(|&(days, ..)| days >= LEAST_DAYS)?;
    let chance = Binomial::new(0.5, days).map_or(1.0, |binomial| binomial.cdf(fast.min(good)));
    let shows = chance <= LARGEST_P;
    Some(Tradeoff { speed: shows && fast > good, quality: shows && good > fast })
}

/// A place in a list of preferred models.
#[derive(Clone, Debug, PartialEq)]
pub struct Preferred {
    /// The candidate as given, or the model's name in the log.
    pub name: String,
    /// Its index in the models used, if it was used.
    pub used: Option<usize>,
    /// The reason for its position.
    pub reason: &'static str,
}

/// The models of `candidates` (by default those used) in the order in which to offer them to the user.
///
/// With fewer than [`LEAST_REQUESTS`] requests to candidates it is `fallback`, or the candidates as given. Otherwise models
/// used come first: by latency for a user who prefers speed, by quality for one who prefers quality, otherwise by use. A
/// model with fewer than 5 requests ranks by use only, after these; candidates never used follow as given.
///
/// A candidate is a model's name in the log, optionally followed by a slash and a provider: `gpt-4o/openai`. Without one it is
/// the model of the provider that comes first; a provider is ignored if the log has none for the model.
pub fn order(
    models: &[ModelUse],
    preference: Option<Tradeoff>,
    candidates: Option<&[String]>,
    fallback: Option<&[String]>,
) -> Result<Vec<Preferred>> {
    for (name, list) in [("candidates", candidates), ("fallback", fallback)] {
        let empty = list.is_some_and(|list| list.is_empty() || list.iter().any(|model| model.trim().is_empty()));
        if empty {
            let given = list.map(|list| list.join(",")).unwrap_or_default();
            return Err(Error::Argument { name, given, accepted: "one or more names of models".to_owned() });
        }
    }
    let names = models.iter().map(ModelUse::name).collect::<Vec<_>>(); // few: models that one user used
    let named = |candidate: &str| {
        let of = |name: &str| models.iter().position(|model| model.model == name);
        let of_any = |name: &str| models.iter().position(|model| model.model == name && model.provider.is_none());
        let whole = names.iter().position(|name| name == candidate).or_else(|| of(candidate));
        whole.or_else(|| candidate.rsplit_once('/').and_then(|(model, _)| of_any(model)))
    };
    let all: Vec<(String, Option<usize>)> = match candidates {
        Some(list) => list.iter().map(|name| (name.clone(), named(name))).collect(),
        None => names.iter().enumerate().map(|(i, name)| (name.clone(), Some(i))).collect(),
    };
    let used = |(name, place): &(String, Option<usize>)| place.map(|place| (name.clone(), place));
    let mut ranked: Vec<(String, usize)> = all.iter().filter_map(used).collect();
    // Of several names for the same model one is kept.
    let mut seen = HashSet::new();
    ranked.retain(|&(_, place)| seen.insert(place));
    if ranked.iter().map(|&(_, i)| models[i].requests).sum::<u64>() < LEAST_REQUESTS {
        let (list, reason) = match (fallback, candidates) {
            (Some(list), _) => (list, "fallback"),
            (None, Some(list)) => (list, "as given"),
            (None, None) => return Ok(Vec::new()),
        };
        let fallen = |name: &String| Preferred { name: name.clone(), used: named(name), reason };
        return Ok(list.iter().map(fallen).collect());
    }
    let known = |i: usize| models[i].requests >= LEAST_OF_MODEL;
    let by_use = |a: usize, b: usize| {
        let key = |i: usize| (models[i].requests, models[i].days.len());
        key(b).cmp(&key(a)).then_with(|| names[a].cmp(&names[b]))
    };
    // The same measure for all; otherwise models would be compared by different measures.
    let by_rating =
        ranked.iter().filter(|&&(_, i)| known(i)).all(|&(_, i)| models[i].rated.known(LEAST_RATED).is_some());
    let (mut weight, mut sum) = (0.0, 0.0);
    let sample = |i: usize| if by_rating { &models[i].rated } else { &models[i].answered };
    for (count, mean, _) in ranked.iter().filter_map(|&(_, i)| sample(i).known(1)) {
        (weight, sum) = (weight + count, sum + count * mean);
    }
    let quality = |i: usize| {
        let found = sample(i).known(1)?;
        Some(shrunk_mean(found.0, found.1, sum / weight, SHRINK_BY))
    };
    // The measure by which a model ranks, ascending, and its name.
    let measure = |i: usize| match preference {
        Some(Tradeoff { speed: true, .. }) if known(i) => models[i].latency_ms.map(|latency| (latency, "fast")),
        Some(Tradeoff { quality: true, .. }) if known(i) => quality(i).map(|quality| (-quality, "good")),
        _ => None,
    };
    ranked.sort_by(|&(_, a), &(_, b)| match (measure(a), measure(b)) {
        (Some(a_is), Some(b_is)) => a_is.0.total_cmp(&b_is.0).then_with(|| by_use(a, b)),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => by_use(a, b),
    });
    let reason = |i| measure(i).map_or("used", |(_, reason)| reason);
    let mut places: Vec<Preferred> =
        ranked.into_iter().map(|(name, i)| Preferred { name, used: Some(i), reason: reason(i) }).collect();
    let unused = |(name, place): (String, Option<usize>)| {
        place.is_none().then_some(Preferred { name, used: None, reason: "not used" })
    };
    places.extend(all.into_iter().filter_map(unused));
    Ok(places)
}

/// Reads a user's experience with each model from a JSON list written by SQL.
pub fn parse(facts: &str) -> Result<Vec<ModelUse>> {
    serde_json::from_str(facts).map_err(|_| Error::Argument {
        name: "facts",
        given: facts.to_owned(),
        accepted: "what a user did with each model, as the function behind preferred_models writes it".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str, days: impl IntoIterator<Item = i32>, latency: f64, quality: f64) -> ModelUse {
        let days: Vec<i32> = days.into_iter().collect();
        ModelUse {
            model: name.to_owned(),
            provider: None,
            requests: 3 * days.len() as u64,
            days,
            latency_ms: Some(latency),
            failed_latency_ms: None,
            rated: Sample::default(),
            answered: Sample { count: 100, mean: Some(quality), variance: Some(quality * (1.0 - quality)) },
        }
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    fn ordered(
        models: &[ModelUse],
        candidates: Option<&[&str]>,
        fallback: Option<&[&str]>,
    ) -> Vec<(String, &'static str)> {
        let (candidates, fallback) = (candidates.map(names), fallback.map(names));
        let places = order(models, tradeoff(models), candidates.as_deref(), fallback.as_deref()).unwrap();
        places.into_iter().map(|place| (place.name, place.reason)).collect()
    }

    /// 9 of 10 days: 11/1024 is a preference. 8 of 10: 56/1024 is not.
    #[test]
    fn what_was_taken_on_more_days_is_preferred_if_that_is_no_chance() {
        let choose = |fast: i32, good: i32| {
            let days = |many: i32| (0..=many).collect::<Vec<_>>();
            tradeoff(&[model("fast", days(fast), 300.0, 0.5), model("good", days(good), 360.0, 0.9)])
        };
        assert_eq!(choose(9, 1), Some(Tradeoff { speed: true, quality: false }));
        assert_eq!(choose(1, 9), Some(Tradeoff { speed: false, quality: true }));
        assert_eq!(choose(8, 2), Some(Tradeoff { speed: false, quality: false }));
        assert_eq!(choose(8, 1), None);
        assert_eq!(choose(30, 31), Some(Tradeoff { speed: false, quality: false }));
    }

    #[test]
    fn days_before_both_were_known_show_nothing() {
        let fast = model("fast", 0..50, 300.0, 0.5);
        assert_eq!(tradeoff(&[fast.clone(), model("good", [49], 900.0, 0.9)]), None);
        assert_eq!(tradeoff(&[fast, model("good", [39], 900.0, 0.9)]), Some(Tradeoff { speed: true, quality: false }));
    }

    #[test]
    fn one_that_is_faster_and_better_shows_nothing() {
        assert_eq!(tradeoff(&[model("both", 0..90, 300.0, 0.9), model("none", 0..5, 900.0, 0.5)]), None);
        // Nor a model that is hardly slower, hardly better, or of unknown latency.
        assert_eq!(tradeoff(&[model("a", 0..90, 300.0, 0.5), model("b", 0..5, 359.0, 0.9)]), None);
        assert_eq!(tradeoff(&[model("a", 0..90, 300.0, 0.50), model("b", 0..5, 900.0, 0.55)]), None);
        let unknown = ModelUse { latency_ms: None, ..model("b", 0..5, 0.0, 0.9) };
        assert_eq!(tradeoff(&[model("a", 0..90, 300.0, 0.5), unknown]), None);
        assert_eq!(tradeoff(&[]), None);
    }

    #[test]
    fn ratings_decide_where_there_are_enough() {
        let rated = |mut model: ModelUse, count, mean| {
            model.rated = Sample { count, mean: Some(mean), variance: Some(1.0) };
            model
        };
        let (fast, good) = (model("fast", 0..3, 300.0, 0.9), model("good", 0..20, 900.0, 0.9));
        assert_eq!(tradeoff(&[fast.clone(), good.clone()]), None);
        let both = [rated(fast.clone(), 3, 1.0), rated(good.clone(), 3, 5.0)];
        assert_eq!(tradeoff(&both), Some(Tradeoff { speed: false, quality: true }));
        assert_eq!(tradeoff(&[rated(fast, 2, 1.0), rated(good, 5, 5.0)]), None);
    }

    #[test]
    fn few_answers_say_little() {
        // Means 1 and 0.5 in units of sd 0.4330 about 0.75, 10 of each: shrunk to 0.875 and 0.625, still 0.577 apart.
        let of = |mean: f64| ModelUse {
            answered: Sample { count: 10, mean: Some(mean), variance: Some(mean * (1.0 - mean)) },
            ..model("x", 0..1, 1.0, 0.0)
        };
        let by = better_by(&of(1.0), &of(0.5)).unwrap();
        assert!((by - 0.25 / 0.1875f64.sqrt()).abs() < 1e-12, "{by}");
        assert_eq!(better_by(&of(1.0), &of(1.0)), None);
    }

    #[test]
    fn the_order_follows_the_preference() {
        let speed = [model("good", 0..4, 900.0, 0.99), model("fast", 0..20, 300.0, 0.5), model("odd", 0..1, 1.0, 0.1)];
        assert_eq!(
            ordered(&speed, None, None),
            [("fast".to_owned(), "fast"), ("good".to_owned(), "fast"), ("odd".to_owned(), "used")]
        );
        let quality = [model("good", 0..20, 900.0, 0.99), model("fast", 0..4, 300.0, 0.5)];
        assert_eq!(ordered(&quality, None, None), [("good".to_owned(), "good"), ("fast".to_owned(), "good")]);
        let neither = [model("b", 0..5, 1.0, 0.9), model("a", 0..5, 1.0, 0.9), model("c", 0..6, 1.0, 0.9)];
        assert_eq!(ordered(&neither, None, None).iter().map(|(name, _)| name).collect::<Vec<_>>(), ["c", "a", "b"]);
    }

    #[test]
    fn a_provider_is_part_of_the_name() {
        let of = |name: &str, provider: Option<&str>, days| ModelUse {
            provider: provider.map(str::to_owned),
            ..model(name, 0..days, 1.0, 0.9)
        };
        let used = [of("a", Some("x"), 9), of("a", Some("y"), 5), of("b", None, 4)];
        let reasons = |candidates: &[&str]| {
            let found = ordered(&used, Some(candidates), None);
            found.into_iter().map(|(name, reason)| format!("{name} {reason}")).collect::<Vec<_>>().join(", ")
        };
        let all = ordered(&used, None, None).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(all, ["a/x", "a/y", "b"]);
        assert_eq!(reasons(&["a/y", "a/x"]), "a/x used, a/y used");
        // Without a provider it is the one used most; of another provider it was not used, unless the log has none.
        assert_eq!(reasons(&["a", "a/z", "b/z"]), "a used, b/z used, a/z not used");
    }

    #[test]
    fn candidates_bound_the_list() {
        let used = [model("gpt-4o", 0..5, 1.0, 0.9), model("claude", 0..9, 1.0, 0.9)];
        let candidates = ["llama/meta", "gpt-4o/openai", "claude"];
        assert_eq!(
            ordered(&used, Some(&candidates), None),
            [
                ("claude".to_owned(), "used"),
                ("gpt-4o/openai".to_owned(), "used"),
                ("llama/meta".to_owned(), "not used")
            ]
        );
    }

    #[test]
    fn too_little_use_falls_back() {
        let used = [model("a", 0..3, 1.0, 0.9)];
        assert_eq!(ordered(&used, None, None), []);
        assert_eq!(
            ordered(&used, Some(&["b", "a"]), None),
            [("b".to_owned(), "as given"), ("a".to_owned(), "as given")]
        );
        assert_eq!(ordered(&used, Some(&["b", "a"]), Some(&["c"])), [("c".to_owned(), "fallback")]);
        for (candidates, fallback, name) in
            [(Some(vec![]), None, "candidates"), (None, Some(names(&[" "])), "fallback")]
        {
            let refused = order(&used, None, candidates.as_deref(), fallback.as_deref());
            assert!(matches!(refused, Err(Error::Argument { name: found, .. }) if found == name));
        }
    }
}
