//! Sample ratio mismatch: whether the users of variants match the planned weights. Definition D92.

use super::log::{WEIGHTS, argument};
use super::{Verdict, finite};
use crate::base::encoding;
use crate::base::error::{Error, Result};
use crate::base::json;
use crate::function::{Argument, Call, Function, REQUIRED, Reads, Role, Rows, Type, column};
use crate::stats::tails::{chi_squared_above, probability};
use statrs::function::gamma::ln_gamma;
use std::collections::HashMap;

/// The declaration.
pub static FUNCTION: Function = Function {
    name: "srm_check",
    path: "experiment::comparison::srm",
    example: "'{\"control\": 5012, \"treatment\": 4890}'",
    summary: "chi-squared test for sample ratio mismatch (SRM): whether users are split over the variants of positive \
              weight as planned",
    arguments: &[
        Argument {
            name: "users",
            kind: Type::Json,
            role: Role::Value,
            default: REQUIRED,
            about: "number of users of each variant, such as {\"control\": 5012, \"treatment\": 4890}",
        },
        WEIGHTS,
        argument(
            "sequential",
            Type::Boolean,
            Role::Value,
            "false",
            "whether the p value holds however often the data are looked at",
        ),
    ],
    columns: &[
        column("users", Type::Bigint, "total number of users"),
        column(
            "statistic",
            Type::Double,
            "chi-squared statistic; with sequential, logarithm of the Bayes factor against the planned split; NULL if it \
             cannot be computed",
        ),
        column(
            "df",
            Type::Double,
            "degrees of freedom: number of variants of positive weight minus 1; NULL with sequential",
        ),
        column("p_value", Type::Double, "probability of a split at least as uneven if users were assigned as planned"),
        column("verdict", Type::Text, "ok, invalid: SRM, or too small"),
        column("reason", Type::Text, "why there is no p_value"),
    ],
    reads: Reads::Nothing,
    segmented: false,
    scalar: false,
    zoned: false,
    rows: 1,
    run,
};

fn run(call: &Call<'_>, rows: &mut dyn Rows) -> Result<()> {
    let weights = call.json("weights").map(parse_weights).transpose()?;
    let seen = parse_users(call.json("users").unwrap_or("NULL"))?;
    let seen = seen.iter().map(|(name, users)| Ok((encoding::encoded(name)?, *users))).collect::<Result<Vec<_>>>()?;
    let seen = seen.iter().map(|(name, users)| (&**name, *users)).collect::<Vec<_>>();
    let check = checked(&seen, weights.as_ref(), call.boolean("sequential").unwrap_or(false))?;
    rows.row(&mut [
        check.users.into(),
        check.statistic.into(),
        check.df.into(),
        check.p_value.into(),
        check.verdict.into(),
        check.reason.as_deref().into(),
    ])
}

/// The p value of the sample ratio test below which a comparison is invalid.
pub const SRM_THRESHOLD: f64 = 0.001;
/// The fewest users expected in each variant for the test.
const SRM_LEAST: f64 = 8.0;

/// The planned weight of each variant: names and positive numbers, with any sum.
pub type Weights = Vec<(String, f64)>;

/// The weights in a JSON object of variants and numbers.
pub fn parse_weights(text: &str) -> Result<Weights> {
    let wrong = |given: String| Error::Argument {
        name: "weights",
        given,
        accepted: "a JSON object of variants and their shares of users, such as {\"control\": 0.5, \"treatment\": 0.5}"
            .to_owned(),
    };
    let object: serde_json::Map<String, serde_json::Value> =
        json::parse(text).ok_or_else(|| wrong(json::given(text)))?;
    let weight = |(name, value): (String, serde_json::Value)| {
        let weight = value.as_f64().filter(|weight| *weight >= 0.0 && weight.is_finite());
        weight.map(|weight| (name.clone(), weight)).ok_or_else(|| wrong(format!("{name}: {value}")))
    };
    let weights = object.into_iter().map(weight).collect::<Result<Weights>>()?;
    match weights.iter().any(|(_, weight)| *weight > 0.0) {
        true => Ok(weights),
        false => Err(wrong(text.to_owned())),
    }
}

/// The users in a JSON object of variants and whole numbers.
pub fn parse_users(text: &str) -> Result<Vec<(String, u64)>> {
    let wrong = |given: String| Error::Argument {
        name: "users",
        given,
        accepted:
            "a JSON object of variants and how many users each has, such as {\"control\": 5012, \"treatment\": 4890}"
                .to_owned(),
    };
    let object: serde_json::Map<String, serde_json::Value> =
        json::parse(text).ok_or_else(|| wrong(json::given(text)))?;
    let users = |(name, value): (String, serde_json::Value)| {
        value.as_u64().map(|users| (name.clone(), users)).ok_or_else(|| wrong(format!("{name}: {value}")))
    };
    object.into_iter().map(users).collect()
}

/// The χ² test of users against weights; `None` if too few users are expected in a variant.
fn srm(users: &[u64], weights: &[f64]) -> Option<(f64, f64, f64)> {
    let all = users.iter().map(|users| *users as f64).sum::<f64>();
    let weight = weights.iter().sum::<f64>();
    let expected = weights.iter().map(|share| all * (share / weight)).collect::<Vec<_>>();
    if users.len() < 2 || expected.iter().any(|expected| *expected < SRM_LEAST) {
        return None;
    }
    let off = |(users, expected): (&u64, &f64)| (*users as f64 - expected) * (*users as f64 - expected) / expected;
    let statistic = users.iter().zip(&expected).map(off).sum::<f64>();
    let df = (users.len() - 1) as f64;
    probability(chi_squared_above(statistic, df)).map(|p| (statistic, df, p))
}

/// The concentration of the prior of the split about the planned one, in users.
const CONCENTRATION: f64 = 10_000.0;
/// The most users for which the Bayes factor can be computed: beyond, its terms are too large for their difference.
const MOST_SEQUENTIAL: f64 = 1e12;

/// The sequential test of users against weights: the logarithm of the Bayes factor of a Dirichlet prior about the planned
/// split against that split itself, and the p value that it allows at any time; `None` for one variant.
///
/// Source: M. Lindon and A. Malek, "Anytime-valid inference for multinomial count data", NeurIPS (2022), with the
/// concentration of their package.
fn sequential_srm(users: &[u64], weights: &[f64]) -> Option<(f64, f64)> {
    let all = users.iter().map(|users| *users as f64).sum::<f64>();
    let weight = weights.iter().sum::<f64>();
    if users.len() < 2 || all == 0.0 || all > MOST_SEQUENTIAL {
        return None;
    }
    let mut factor = ln_gamma(CONCENTRATION) - ln_gamma(CONCENTRATION + all);
    for (&users, share) in users.iter().zip(weights).filter(|(users, _)| **users > 0) {
        let (users, share) = (users as f64, share / weight);
        factor += ln_gamma(CONCENTRATION * share + users) - ln_gamma(CONCENTRATION * share) - users * share.ln();
    }
    let p = probability((-factor).exp().min(1.0))?;
    finite(factor).map(|factor| (factor, p))
}

/// Users and weights by variant, without variants of weight 0; users in such a variant are an error.
fn planned(seen: &[(&[u8], u64)], weights: Option<&Weights>) -> Result<(Vec<u64>, Vec<f64>)> {
    let Some(weights) = weights else {
        return Ok((seen.iter().map(|(_, users)| *users).collect(), vec![1.0; seen.len()]));
    };
    // Planned variants as the log names them. One that its encoding cannot write has no users.
    let positive = weights.iter().filter(|(_, weight)| *weight > 0.0);
    let planned = positive.map(|(name, weight)| (encoding::encoded(name).ok(), *weight));
    let planned = planned.collect::<Vec<_>>();
    let numbers = planned.iter().enumerate().filter_map(|(n, (name, _))| Some((name.as_deref()?, n)));
    let numbers = numbers.collect::<HashMap<&[u8], usize>>();
    let mut users_of = vec![0u64; planned.len()];
    for (name, users) in seen.iter().filter(|(_, users)| *users > 0) {
        if let Some(number) = numbers.get(name) {
            users_of[*number] += users;
        } else {
            let shown = encoding::decoded(name);
            return Err(Error::Argument {
                name: "weights",
                given: format!("{shown}: 0"),
                accepted: format!("a weight above 0 for \"{shown}\", which has {users} users"),
            });
        }
    }
    Ok((users_of, planned.into_iter().map(|(_, weight)| weight).collect()))
}

/// The result of a sample ratio test: the statistic, its degrees of freedom, the p value, and the reason if there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SrmCheck {
    /// Users in all.
    pub users: u64,
    /// Chi-squared.
    pub statistic: Option<f64>,
    /// The number of variants of positive weight, minus one.
    pub df: Option<f64>,
    /// The p value.
    pub p_value: Option<f64>,
    /// `ok`, `invalid: SRM` or `too small`.
    pub verdict: &'static str,
    /// Why there is no result.
    pub reason: Option<String>,
}

/// The sample ratio test. Definition D92.
pub fn srm_check(seen: &[(&[u8], u64)], weights: Option<&Weights>) -> Result<SrmCheck> {
    checked(seen, weights, false)
}

/// The same, sequentially or not.
pub(super) fn checked(seen: &[(&[u8], u64)], weights: Option<&Weights>, sequential: bool) -> Result<SrmCheck> {
    let (users, weights) = planned(seen, weights)?;
    let all = users.iter().try_fold(0u64, |all, users| all.checked_add(*users)).unwrap_or(u64::MAX);
    let found = match sequential {
        true => sequential_srm(&users, &weights).map(|(factor, p)| (factor, None, p)),
        false => srm(&users, &weights).map(|(statistic, df, p)| (statistic, Some(df), p)),
    };
    let Some((statistic, df, p)) = found else {
        let reason = match users.len() {
            _ if all == 0 => "nobody is in any variant",
            0 | 1 => "there is only one variant",
            _ if sequential => "there are too many users for the sequential test",
            _ => "a variant is expected to have fewer than 8 users",
        };
        return Ok(SrmCheck {
            users: all,
            verdict: "too small",
            reason: Some(reason.to_owned()),
            ..SrmCheck::default()
        });
    };
    let verdict = if p < SRM_THRESHOLD { Verdict::InvalidSrm.name() } else { "ok" };
    Ok(SrmCheck { users: all, statistic: Some(statistic), df, p_value: Some(p), verdict, reason: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Random;

    const FACTOR: f64 = 0.606_960_586_527_748_1;

    /// By `scipy.stats.dirichlet_multinomial.logpmf` minus `scipy.stats.multinomial.logpmf`.
    #[test]
    fn the_bayes_factor_is_that_of_scipy() {
        let (factor, p) = sequential_srm(&[560, 440], &[1.0, 1.0]).unwrap();
        assert!((factor - FACTOR).abs() < 1e-8, "{factor}");
        assert!((p - (-FACTOR).exp().min(1.0)).abs() < 1e-9);
        assert_eq!(sequential_srm(&[5], &[1.0]), None);
    }

    /// Of experiments that are split as planned and looked at after every 50 users, at most 5 % ever have a p value below
    /// 0.05. The χ² test has one far more often.
    #[test]
    fn looks_do_not_add_up() {
        let mut random = Random::new(7);
        let (mut found, mut found_at_once) = (0, 0);
        for _ in 0..400 {
            let mut users = [0u64; 2];
            let (mut ever, mut ever_at_once) = (false, false);
            for n in 1..=5000 {
                users[usize::from(random.unit() < 0.3)] += 1;
                if n % 50 == 0 {
                    ever |= sequential_srm(&users, &[7.0, 3.0]).is_some_and(|(_, p)| p < 0.05);
                    ever_at_once |= srm(&users, &[7.0, 3.0]).is_some_and(|(.., p)| p < 0.05);
                }
            }
            found += usize::from(ever);
            found_at_once += usize::from(ever_at_once);
        }
        assert!(found <= 20 && found_at_once > 80, "{found} {found_at_once}");
    }
}
